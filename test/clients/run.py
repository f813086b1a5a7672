#!/usr/bin/env python3
"""Real clients against Parley with a grpcio backend: grpcio in Python; grpc-js, connect-node, connect-web and grpc-web in Node.

--direct gives the gRPC clients the backend itself, to see that the tests are sound.
"""

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
    tree = tools.npm_tree(arguments.cache, "clients", os.path.join(HERE, "package.json"))
    tests = sorted(name for name in os.listdir(HERE) if name.endswith(".mjs"))
    with tempfile.TemporaryDirectory() as folder, suite.awkward_backend(arguments.cache) as backend:
        certificate, key = suite.self_signed(folder)
        contract = suite.awkward_descriptors(arguments.cache, os.path.join(folder, "awkward.pb"))
        # Modules are found from where a file lies: the tests run beside the installed packages.
        work = os.path.join(folder, "tests")
        os.mkdir(work)
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(work, "node_modules"))
        for name in tests:
            shutil.copy(os.path.join(HERE, name), work)
        config = suite.awkward_config(backend.port, contracts=contract)
        with parley_node.Parley(arguments.parley, config) as plain, \
                parley_node.Parley(arguments.parley, {**config, "tls": {"cert": certificate, "key": key}}) as tls:
            environment = {**os.environ, "PARLEY_PORT": str(backend.port if arguments.direct else plain.port), "PARLEY_TLS_PORT": str(tls.port),
                           "PARLEY_CA": certificate, "NODE_EXTRA_CA_CERTS": certificate, "PARLEY_CONTRACT": contract}
            files = [name for name in tests if name.endswith(".test.mjs") and (not arguments.direct or "grpc_js" in name)]
            return subprocess.run(["node", "--test", "--test-reporter=spec", *files], cwd=work, env=environment).returncode


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("language", choices=["python", "node"])
    parser.add_argument("--direct", action="store_true", help="leave Parley out where the client speaks gRPC")
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    if arguments.language == "python":
        if arguments.direct:
            os.environ["PARLEY_DIRECT"] = "1"
        suite.run_pytest(arguments, HERE, *arguments.rest)
    sys.exit(run_node(arguments))


if __name__ == "__main__":
    main()
