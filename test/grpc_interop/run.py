#!/usr/bin/env python3
"""The gRPC interop procedures through Parley: grpc-go's client to grpc-java's server and grpc-java's client to grpc-go's server.

With prior knowledge and over TLS; grpc-go's client also with every message compressed. --direct leaves Parley out.
"""

import concurrent.futures
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402
import tools  # noqa: E402

# What grpc-java's client knows and needs no cloud. The two «noprobe» cases leave out the question whether the server refuses a message
# that was announced as compressed and is not: none of the published servers does.
JAVA_CASES = """empty_unary large_unary client_streaming server_streaming ping_pong empty_stream custom_metadata status_code_and_message
special_status_message unimplemented_method unimplemented_service cancel_after_begin cancel_after_first_response
timeout_on_sleeping_server client_compressed_unary_noprobe server_compressed_unary client_compressed_streaming_noprobe
server_compressed_streaming""".split()
JAVA = "io.grpc.testing.integration.TestService"


def go_command(interop, port, case, tls=None, gzip=False):
    flags = (["-ca", tls["cert"]] if tls else []) + (["-gzip"] if gzip else [])
    return [interop, "run", "-address", f"127.0.0.1:{port}", *flags, case]


def java_command(classpath, port, case, tls=None, folder=None):
    flags = ["--use_tls=false"]
    trust = []
    if tls:
        store = os.path.join(folder, "trust.p12")
        if not os.path.exists(store):
            tools.run(["keytool", "-importcert", "-noprompt", "-alias", "parley", "-file", tls["cert"], "-keystore", store, "-storetype",
                       "PKCS12", "-storepass", "parley"])
        trust = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=parley"]
        flags = ["--use_tls=true"]
    return ["java", "-XX:TieredStopAtLevel=1", "-Xshare:auto", *trust, "-cp", classpath, JAVA + "Client", "--server_host=127.0.0.1",
            f"--server_port={port}", f"--test_case={case}", *flags]


def run_cases(title, commands):
    """Runs {case: command}, two at a time; prints what failed; returns (passed, failed)."""
    def one(command):
        try:
            return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=120)
        except subprocess.TimeoutExpired as late:
            return subprocess.CompletedProcess(command, -1, f"no end after 120 s\n{(late.stdout or b'').decode()}")

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for case, done in zip(commands, pool.map(one, commands.values())):
            if done.returncode != 0:
                failed += 1
                print(f"FAILED {title}: {case}\n{done.stdout[-3000:]}", flush=True)
    print(f"{title}: {len(commands) - failed} passed, {failed} failed", flush=True)
    return len(commands) - failed, failed


def main():
    parser = suite.arguments(__doc__)
    parser.add_argument("--direct", action="store_true", help="leave Parley out")
    parser.add_argument("--case", action="append", help="only this one")
    arguments = parser.parse_args()

    interop = tools.go_binary(arguments.cache, HERE, ".", "interop")
    classpath = tools.maven_classpath(arguments.cache, "grpc_interop", os.path.join(HERE, "pom.xml"))
    go_cases = tools.run([interop, "cases"]).split()
    wanted = lambda cases: [case for case in cases if not arguments.case or case in arguments.case]  # noqa: E731
    totals = []

    def go_client(title, port, tls=None):
        for gzip in (False, True):
            name = f"{title}{', gzip' if gzip else ''}"
            totals.append(run_cases(name, {case: go_command(interop, port, case, tls, gzip) for case in wanted(go_cases)}))

    def java_client(title, port, tls=None):
        totals.append(run_cases(title, {case: java_command(classpath, port, case, tls, folder) for case in wanted(JAVA_CASES)}))

    with tempfile.TemporaryDirectory() as folder:
        contract = os.path.join(folder, "interop.pb")
        tools.run([interop, "descriptors", contract])
        certificate, key = suite.self_signed(folder)
        servers = {
            "grpc-java": (["java", "-cp", classpath, JAVA + "Server", "--port={port}", "--use_tls=false", "--address_type=IPV4"], go_client,
                          "grpc-go"),
            "grpc-go": ([interop, "serve", "{port}"], java_client, "grpc-java")}
        for server, (command, run_client, client) in servers.items():
            with parley_node.Backend(command, name=server, seconds=180) as backend:
                if arguments.direct:
                    run_client(f"{client} client, {server} server", backend.port)
                    continue
                for tls in (None, {"cert": certificate, "key": key}):
                    config = suite.patient({"contracts": contract, "services": {"interop": {
                        "serves": ["grpc.testing.TestService"], "at": f"grpc://127.0.0.1:{backend.port}"}}})
                    with parley_node.Parley(arguments.parley, {**config, **({"tls": tls} if tls else {})}) as node:
                        run_client(f"{client} client, Parley{' with TLS' if tls else ''}, {server} server", node.port, tls)
    passed, failed = (sum(column) for column in zip(*totals))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
