#!/usr/bin/env python3
"""The Connect conformance suite against Parley with another gRPC implementation behind it: connect-go or grpc-go.

All that config.yaml promises: both HTTP versions, Connect, gRPC and gRPC-Web, two codecs, four encodings, all stream kinds, TLS, client
certificates, message limits. --direct runs the reference server without Parley, to see that the harness itself is sound.
"""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import suite  # noqa: E402
import tools  # noqa: E402

MODULE = "connectrpc.com/conformance"
# How long the suite's runner waits for the processes that it starts and for their answers. It has no flags for that, and what stood still for some
# seconds, on two cores that run other suites beside it, is not dead. The cases and how they are judged stay as they are. server.py's own patience stays
# below.
PATIENCE = [
    ("internal/app/connectconformance/server_runner.go", "serverResponseTimeout = 10 *", "serverResponseTimeout = 120 *"),
    ("internal/app/connectconformance/process.go", "gracefulShutdownPeriod = 5 *", "gracefulShutdownPeriod = 120 *"),
    ("internal/app/connectconformance/client_runner.go", "clientResponseTimeout = 20 *", "clientResponseTimeout = 120 *"),
    ("internal/app/connectconformance/client_runner.go", "time.After(3 *", "time.After(120 *"),
    ("internal/app/grpcclient/client.go", "net.Dialer{Timeout: 5 *", "net.Dialer{Timeout: 120 *"),
    ("internal/app/grpcclient/client.go", "connectTimeout = 5 *", "connectTimeout = 120 *"),
]


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("--backend", choices=["referenceserver", "grpcserver"], default="referenceserver", help="connect-go or grpc-go")
    parser.add_argument("--direct", action="store_true", help="leave Parley out")
    parser.add_argument("--cases", type=int, help="how many cases there have to be")
    parser.add_argument("rest", nargs="*", help="further flags of connectconformance after --, such as --run PATTERN or --trace")
    arguments = parser.parse_args()

    runner = tools.go_binary(arguments.cache, HERE, MODULE + "/cmd/connectconformance", "connectconformance", (MODULE, *PATIENCE))
    reference = tools.go_binary(arguments.cache, HERE, f"{MODULE}/cmd/{arguments.backend}", arguments.backend)
    protos = os.path.join(tools.go_module_dir(HERE, MODULE), "proto")
    with tempfile.TemporaryDirectory() as folder:
        ends = os.path.join(folder, "ends")
        open(ends, "w").close()
        under_test = [reference, "-port", "0"] if arguments.direct else [
            sys.executable, os.path.join(HERE, "server.py"), "--parley", arguments.parley, "--reference", reference, "--protos", protos,
            "--ends", ends]
        command = [runner, "--conf", os.path.join(HERE, "config.yaml"), "--mode", "server", "--max-servers", "2", "--known-failing",
                   "@" + os.path.join(HERE, f"known_failing.{arguments.backend}.txt"), "-v", *arguments.rest, "--", *under_test]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        print(done.stdout, flush=True)
        with open(ends) as file:
            lines = file.read().splitlines()
    unclean = [line for line in lines if line not in ("started", "ended")]
    if unclean or lines.count("started") != lines.count("ended"):
        print("\n".join(unclean))
        sys.exit(f"of {lines.count('started')} nodes only {lines.count('ended')} ended cleanly")
    total = re.search(r"Total cases: (\d+)", done.stdout)
    if arguments.cases and (not total or int(total[1]) != arguments.cases):
        sys.exit(f"expected {arguments.cases} cases")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
