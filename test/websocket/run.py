#!/usr/bin/env python3
"""WebSockets through Parley with a grpcio backend behind it: by hand, over HTTP/1.1 and HTTP/2 (python), and by npm's ws (node)."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402


def run_node(arguments):
    tree = tools.npm_tree(arguments.cache, "websocket", os.path.join(HERE, "package.json"))
    tests = sorted(name for name in os.listdir(HERE) if name.endswith(".mjs"))
    with tempfile.TemporaryDirectory() as folder, suite.awkward_backend(arguments.cache) as backend:
        certificate, key = suite.self_signed(folder)
        work = os.path.join(folder, "tests")  # modules are found from where a file lies
        os.mkdir(work)
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(work, "node_modules"))
        for name in tests:
            shutil.copy(os.path.join(HERE, name), work)
        config = suite.awkward_config(backend.port)
        with parley_node.Parley(arguments.parley, config) as plain, \
                parley_node.Parley(arguments.parley, {**config, "tls": {"cert": certificate, "key": key}, "websocket": {"compression": "context"}}) as tls:
            environment = {**os.environ, "PARLEY_PORT": str(plain.port), "PARLEY_TLS_PORT": str(tls.port), "NODE_EXTRA_CA_CERTS": certificate}
            return subprocess.run(["node", "--test", "--test-reporter=spec", *tests], cwd=work, env=environment).returncode


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("language", choices=["python", "node"])
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    if arguments.language == "python":
        suite.run_pytest(arguments, HERE, *arguments.rest)
    sys.exit(run_node(arguments))


if __name__ == "__main__":
    main()
