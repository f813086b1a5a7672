#!/usr/bin/env python3
"""The RabbitMQ backend against a real server: its own tests (rabbitmq_broker_test), and clients of npm's amqplib.

    run.py --tests BINARY --cache FOLDER [-- arguments for the tests, e.g. --gtest_filter=…]
"""

import argparse
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import brokers  # noqa: E402
import tools  # noqa: E402


ENOUGH = "700MB"  # of memory


def certificates(folder):
    """A CA, a server's certificate for 127.0.0.1 and a client's, made for this run."""
    def openssl(*arguments):
        tools.run(["openssl", *arguments], cwd=folder)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    openssl("req", "-x509", *key, "-subj", "/CN=test ca", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("server", "client"):
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        with open(os.path.join(folder, f"{name}.ext"), "w") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile",
                f"{name}.ext", "-out", f"{name}.pem")
    return folder


def control(server):
    """A port at which the tests say what shall happen to the server: a line, answered with "ok" when it is done."""
    actions = {"kill": server.kill, "start": server.start, "stop": lambda: server.signal(signal.SIGSTOP),
               "continue": lambda: server.signal(signal.SIGCONT),
               "block": lambda: server.limit_memory("1MB"), "unblock": lambda: server.limit_memory(ENOUGH)}

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                actions[line.decode().strip()]()
                self.wfile.write(b"ok\n")

    listener = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    return listener.server_address[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", required=True, type=os.path.abspath)
    parser.add_argument("--cache", required=True, type=os.path.abspath)
    parser.add_argument("more", nargs="*")
    arguments = parser.parse_args()
    tree = tools.npm_tree(arguments.cache, "rabbitmq", os.path.join(HERE, "package.json"))
    with tempfile.TemporaryDirectory() as work:
        shutil.copy(os.path.join(HERE, "client.mjs"), work)
        os.symlink(os.path.join(tree, "node_modules"), os.path.join(work, "node_modules"))
        os.mkdir(os.path.join(work, "tls"))
        tls = certificates(os.path.join(work, "tls"))
        files = tuple(os.path.join(tls, name) for name in ("server.pem", "server.key", "ca.pem"))
        settings = ["disk_free_limit.absolute = 50MB", f"vm_memory_high_watermark.absolute = {ENOUGH}"]
        with brokers.RabbitMQ(os.path.join(work, "server"), settings, files, erlang="+S 2:2 +sbwt none +sbwtdcpu none") as server:
            environment = {**os.environ, "PARLEY_RABBITMQ": server.url(), "PARLEY_RABBITMQ_TLS_PORT": str(server.tls_port),
                           "PARLEY_RABBITMQ_TLS": tls, "PARLEY_RABBITMQ_CONTROL": str(control(server)),
                           "PARLEY_AMQPLIB": f"node {work}/client.mjs amqp://guest:guest@127.0.0.1:{server.port}"}
            done = subprocess.run([arguments.tests, *arguments.more], env=environment)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
