#!/usr/bin/env python3
"""Schemas, syntax errors and validation beside npm's graphql: of the shop, and of a contract with everything awkward in it.

The binary that answers is named by the last argument: it reads documents, a JSON string a line.
"""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import suite  # noqa: E402
import tools  # noqa: E402

CONTRACTS = {"shop": os.path.join(ROOT, "examples", "shop", "contracts"), "awkward": os.path.join(HERE, "contracts")}

SCRIPTS = ["validation.mjs", "validation_cases.mjs", "operations.mjs", "random.mjs", "scalars.mjs", "package.json"]


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("--documents", default="3000", help="how many are generated for each contract")
    parser.add_argument("--seed", default="1", help="where the generator begins")
    parser.add_argument("validate", type=os.path.abspath, help="the graphql_validate binary")
    arguments = parser.parse_args()
    tree = tools.npm_tree(arguments.cache, "graphql", os.path.join(HERE, "package.json"))
    with tempfile.TemporaryDirectory() as work:
        for script in SCRIPTS:
            shutil.copy(os.path.join(HERE, script), work)
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(work, "node_modules"))
        sys.exit(0 if all([compare(arguments, work, *each) for each in CONTRACTS.items()]) else 1)


def compare(arguments, work, name, folder):
    """One contract; True where nothing differs."""
    command = ["node", os.path.join(work, "validation.mjs"), arguments.validate, name, folder, "--documents", arguments.documents, "--seed",
               arguments.seed]
    good = subprocess.run(command).returncode == 0
    shown = subprocess.run([arguments.parley, "graphql-schema", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    printed = subprocess.run([arguments.validate, "--sdl", folder], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    if shown.rstrip(b"\n") != printed.rstrip(b"\n"):
        print(f"FAILED: {name}: `parley graphql-schema` prints another schema")
    return good and shown.rstrip(b"\n") == printed.rstrip(b"\n")


if __name__ == "__main__":
    main()
