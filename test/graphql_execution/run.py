#!/usr/bin/env python3
"""Generated operations executed by Parley and by npm's graphql over the same data, with errors and nulls injected: equal data byte for byte,
equal errors with their paths and places; of a subscription, event by event."""

import os
import re
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
SERVICES = {
    "awkward": ["awkward.v1.Awkward", "awkward.v1.Another"],
    "shop": ["shop.Catalog", "shop.Customers", "shop.Orders", "shop.Payments", "shop.Support", "shop.Mailer"],
}


def plain(proto):
    """A contract without REST rules, queues and events: a service is then asked by its rpcs' names, and at once. What GraphQL asks is the matter
    here, not how a path is made of it; and the stream of a topic has no end that could be waited for."""
    kept, at = "", 0
    for option in re.finditer(r"\n *option \((google\.api\.http|parley\.(?:queue|event|subscribe))\) = \{", proto):
        depth, end = 1, option.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(proto[end], 0)
            end += 1
        kept, at = kept + proto[at : option.start()], end + 1
        if option[1] == "parley.subscribe":
            kept += "\n    option (parley.graphql) = {hide: true};"
    return kept + proto[at:]


def copy_contracts(world, into):
    if world == "awkward":
        os.mkdir(into)
        shutil.copy(os.path.join(GRAPHQL, "contracts", "awkward.proto"), into)
        return
    shutil.copytree(os.path.join(ROOT, "examples", "shop", "contracts"), into)
    for folder, _, names in os.walk(into):
        for path in (os.path.join(folder, name) for name in names):
            with open(path, encoding="utf-8") as file:
                proto = file.read()
            with open(path, "w", encoding="utf-8") as file:
                file.write(plain(proto))


def compare(arguments, world, work):
    """The exit code of execution.mjs over one of the contracts."""
    contracts = os.path.join(work, world)
    copy_contracts(world, contracts)
    environment = {**os.environ, "WORLD": world, "CONTRACTS": contracts, "IMPORTS": os.path.join(ROOT, "contracts"),
                   "OPERATIONS": arguments.operations, "SEED": arguments.seed}
    with parley_node.Backend(["node", os.path.join(work, "backend.mjs"), "{port}"], name=world, env=environment) as backend:
        services = {world: {"serves": SERVICES[world], "at": f"http://127.0.0.1:{backend.port}"}}
        with parley_node.Parley(arguments.parley, suite.patient({"contracts": contracts, "services": services, "graphql": LIMITS})) as node:
            environment["PARLEY_URL"] = f"http://127.0.0.1:{node.port}/graphql"
            return subprocess.run(["node", "execution.mjs"], cwd=work, env=environment).returncode


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("--operations", default="1000", help="how many are generated, a contract")
    parser.add_argument("--seed", default="1", help="where the generator begins")
    parser.add_argument("--world", action="append", choices=sorted(SERVICES), help="only this contract")
    arguments = parser.parse_args()
    tree = tools.npm_tree(arguments.cache, "graphql_execution", os.path.join(HERE, "package.json"))
    with tempfile.TemporaryDirectory() as work:
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(work, "node_modules"))
        shutil.copy(os.path.join(HERE, "package.json"), work)
        for folder, names in ((HERE, sorted(os.listdir(HERE))), (GRAPHQL, ("operations.mjs", "random.mjs"))):
            for name in names:
                if name.endswith(".mjs"):
                    shutil.copy(os.path.join(folder, name), work)
        failed = [world for world in arguments.world or SERVICES if compare(arguments, world, work)]
    sys.exit(f"differences over {', '.join(failed)}" if failed else 0)


if __name__ == "__main__":
    main()
