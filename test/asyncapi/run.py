#!/usr/bin/env python3
"""AsyncAPI's own parser looks at what `parley asyncapi` prints: of the shop, of a contract with everything odd in it, and of one without
queues and topics."""

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

# The folder of each, and its document's operations; nothing where that is others' to change.
CONTRACTS = {
    "shop": (os.path.join(ROOT, "examples", "shop", "contracts"), None),
    "odd": (os.path.join(HERE, "contracts"), {
        "receive publish.forest.trees-1_a", "send read.forest.trees-1_a", "receive odd.v1.Forest.Plant", "receive odd.v1.Forest.Water",
        "receive odd.v1.Forest.OnTree", "receive odd.v1.Forest.OnFelled"}),
    "awkward": (suite.AWKWARD, set()),
}


def main():
    arguments = suite.arguments(__doc__).parse_args()
    tree = tools.npm_tree(arguments.cache, "asyncapi", os.path.join(HERE, "package.json"))
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for name, (contracts, want) in CONTRACTS.items():
            path = os.path.join(folder, name + ".json")
            with open(path, "wb") as file:
                subprocess.run([arguments.parley, "asyncapi", contracts], stdout=file, check=True)
            done = subprocess.run(["node", os.path.join(HERE, "validate.mjs"), tree, path], stdout=subprocess.PIPE, text=True, check=True)
            report = json.loads(done.stdout)
            problems = report["problems"]
            if want is None and not report["operations"]:
                problems.append("there are no operations")
            if want is not None and set(report["operations"]) != want:
                problems.append(f"the operations are {sorted(report['operations'])}")
            for problem in problems:
                print(f"{name}: {problem}")
            print(f"{name}: {len(report['operations'])} operations, {len(problems)} problems", flush=True)
            good = good and not problems
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
