#!/usr/bin/env python3
"""Two validators that are not ours look at what `parley openapi` prints: of the shop, and of a contract with everything odd in it."""

import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import suite  # noqa: E402
import tools  # noqa: E402

# The folder of each, and how many operations its document has; nothing where that is others' to change.
CONTRACTS = {"shop": (os.path.join(ROOT, "examples", "shop", "contracts"), 37), "odd": (os.path.join(HERE, "contracts"), 15),
             "awkward": (suite.AWKWARD, None)}
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


def print_document(parley, contracts, path):
    """Writes the document twice; the text may not depend on anything but the contract. Returns how many operations it has."""
    texts = [subprocess.run([parley, "openapi", contracts], stdout=subprocess.PIPE, check=True).stdout for _ in range(2)]
    if texts[0] != texts[1]:
        sys.exit(f"{contracts}: two documents of one contract differ")
    with open(path, "wb") as file:
        file.write(texts[0])
    return sum(len(item) for item in json.loads(texts[0])["paths"].values())


def redocly(tree, path):
    """The recommended rules; returns the problems, warnings too."""
    command = [os.path.join(tree, "node_modules", ".bin", "redocly"), "lint", "--format", "json", "--config", os.path.join(HERE, "redocly.yaml"), path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **QUIET})
    try:
        report = json.loads(done.stdout[done.stdout.index("{"):])
    except ValueError:
        sys.exit(f"redocly failed with {done.returncode}:\n{done.stdout}{done.stderr}")
    return [f"{p['severity']} {p['ruleId']}: {p['message']} at {p['location'][0].get('pointer')}" for p in report["problems"]]


def schema_validator(tree, path):
    """The official JSON Schema of OpenAPI 3.1; returns the problems."""
    command = [os.path.join(tree, "node_modules", ".bin", "validate-api"), path]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return [] if done.returncode == 0 else [done.stdout]


def main():
    arguments = suite.arguments(__doc__).parse_args()
    tree = tools.npm_tree(arguments.cache, "openapi", os.path.join(HERE, "package.json"))
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name, (contracts, want) in CONTRACTS.items():
            path = os.path.join(folder, name + ".json")
            operations = print_document(arguments.parley, contracts, path)
            problems = [f"redocly: {p}" for p in redocly(tree, path)] + [f"schema: {p}" for p in schema_validator(tree, path)]
            if want is not None and operations != want:
                problems.append(f"the document has {operations} operations, not {want}")
            for problem in problems:
                print(f"{name}: {problem}")
            print(f"{name}: {operations} operations, {len(problems)} problems", flush=True)
            good = good and not problems
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
