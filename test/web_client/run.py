#!/usr/bin/env python3
"""clients/web, as its users get it: built, packed, unpacked elsewhere, its types checked, then its tests (clients/web/test), in Node and in Chromium."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402

ROOMS = os.path.normpath(os.path.join(HERE, "..", "websocket", "rooms"))
CONTRACTS = os.path.normpath(os.path.join(HERE, "..", "..", "contracts"))
CLIENT = os.path.normpath(os.path.join(HERE, "..", "..", "clients", "web"))
# What a user's own compiler is told; the strictest, so that the declarations hold for all.
TYPES = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom", "--types", "", "types.ts", "generated.ts"]


def pack(tree, folder):
    """Builds the package from its sources alone; the tarball's path."""
    source = os.path.join(folder, "source")
    shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("node_modules", "dist", "test"))
    os.symlink(os.path.join(tree, "node_modules"), os.path.join(source, "node_modules"))
    tools.run(["node_modules/.bin/tsc", "--project", "tsconfig.json"], cwd=source)
    tools.run(["npm", "pack", "--ignore-scripts", "--loglevel=error"], cwd=source)
    return next(os.path.join(source, name) for name in os.listdir(source) if name.endswith(".tgz"))


def user(tree, tarball, folder):
    """A project that has the package among its own: the folder, with the tests in it."""
    work = os.path.join(folder, "user")
    shutil.copytree(os.path.join(CLIENT, "test"), work)
    modules = os.path.join(work, "node_modules")
    os.makedirs(os.path.join(modules, "@parley"))
    for name in os.listdir(os.path.join(tree, "node_modules")):
        os.symlink(os.path.join(tree, "node_modules", name), os.path.join(modules, name))
    with tarfile.open(tarball) as packed:
        packed.extractall(os.path.join(folder, "unpacked"))
    shutil.move(os.path.join(folder, "unpacked", "package"), os.path.join(modules, "@parley", "web"))
    with open(os.path.join(work, "package.json"), "w") as file:
        file.write('{"type": "module", "private": true}\n')
    return work


def rooms_backend(cache):
    return parley_node.Backend([suite.awkward_python(cache), os.path.join(ROOMS, "rooms.py"), "{port}", CONTRACTS], name="rooms")


def rooms_config(port):
    """One shard: a position of a shared stream is known on the shard that gave it."""
    return suite.patient({"contracts": ROOMS, "shards": 1, "services": {"rooms": {"serves": ["rooms.v1.Rooms"], "at": f"grpc://127.0.0.1:{port}"}}})


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("tests", nargs="*", help="only these, such as call.test.mjs")
    arguments = parser.parse_args()
    browser = shutil.which("chromium")
    if browser is None:
        sys.exit("there is no chromium; ./dev test installs it")
    tree = tools.npm_tree(arguments.cache, "web_client", os.path.join(CLIENT, "package.json"))
    with tempfile.TemporaryDirectory() as folder, suite.awkward_backend(arguments.cache) as backend, rooms_backend(arguments.cache) as rooms:
        work = user(tree, pack(tree, folder), folder)
        with open(os.path.join(work, "awkward.ts"), "w") as file:
            subprocess.run([arguments.parley, "typescript", suite.AWKWARD], stdout=file, check=True)
        tools.run([os.path.join(tree, "node_modules", ".bin", "tsc"), *TYPES], cwd=work)
        page_port = parley_node.free_port()
        config = suite.awkward_config(backend.port, cors={"origins": [f"http://localhost:{page_port}"]})
        with parley_node.Parley(arguments.parley, config) as node, parley_node.Parley(arguments.parley, rooms_config(rooms.port)) as shared:
            environment = {**os.environ, "PARLEY_PORT": str(node.port), "ROOMS_PORT": str(shared.port), "PAGE_PORT": str(page_port), "BROWSER": browser,
                           "PROXY_PORTS": json.dumps([parley_node.free_port() for _ in range(4)])}
            files = arguments.tests or sorted(name for name in os.listdir(work) if name.endswith(".test.mjs"))
            done = subprocess.run(["node", "--test", "--test-concurrency=1", "--test-reporter=spec", *files], cwd=work, env=environment)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
