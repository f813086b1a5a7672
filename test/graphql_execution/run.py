#!/usr/bin/env python3
"""Generated operations executed by Parley and by npm's graphql over the same data, with errors and nulls injected: equal data byte for byte,
equal errors with their paths and places."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
GRAPHQL = os.path.join(HERE, "..", "graphql")
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402

LIMITS = {"depth": 100, "aliases": 10000, "complexity": 100000000, "upstream_calls": 10000}


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("--operations", default="600", help="how many are generated")
    parser.add_argument("--seed", default="1", help="where the generator begins")
    arguments = parser.parse_args()
    tree = tools.npm_tree(arguments.cache, "graphql_execution", os.path.join(HERE, "package.json"))
    with tempfile.TemporaryDirectory() as work:
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(work, "node_modules"))
        for folder, names in ((HERE, ("package.json", "execution.mjs", "replies.mjs", "backend.mjs", "values.mjs")), (GRAPHQL, ("operations.mjs", "random.mjs"))):
            for name in names:
                shutil.copy(os.path.join(folder, name), work)
        contracts = os.path.join(work, "contracts")
        os.mkdir(contracts)
        shutil.copy(os.path.join(GRAPHQL, "contracts", "awkward.proto"), contracts)
        environment = {**os.environ, "CONTRACT": os.path.join(contracts, "awkward.proto"), "IMPORTS": os.path.join(ROOT, "contracts"),
                       "OPERATIONS": arguments.operations, "SEED": arguments.seed}
        with parley_node.Backend(["node", os.path.join(work, "backend.mjs"), "{port}"], name="awkward", env=environment) as backend:
            services = {"awkward": {"serves": ["awkward.v1.Awkward", "awkward.v1.Another"], "at": f"http://127.0.0.1:{backend.port}"}}
            with parley_node.Parley(arguments.parley, {"contracts": contracts, "services": services, "graphql": LIMITS}) as node:
                environment["PARLEY_URL"] = f"http://127.0.0.1:{node.port}/graphql"
                done = subprocess.run(["node", "execution.mjs"], cwd=work, env=environment)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
