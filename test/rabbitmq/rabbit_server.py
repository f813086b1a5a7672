"""A RabbitMQ server of Debian's package for tests: own node name, ports, Erlang port mapper and data folder, all on 127.0.0.1.

    with RabbitServer(folder) as server:
        … server.url() …; server.kill(); server.start()

Leaving the block kills it. A few seconds to start; the data survives `kill` and `start`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import parley_node  # noqa: E402

PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class RabbitServer:
    def __init__(self, folder, tls=None, config=(), vhosts=()):
        """`tls`: (certificate, key, ca) files: it listens with TLS too, and verifies the clients' certificates if they have one.
        `config`: lines for rabbitmq.conf. `vhosts`: to be there beside "/"."""
        self.folder = folder
        self.port, self.tls_port, self._dist, self._epmd_port = (parley_node.free_port() for _ in range(4))
        self._server = self._epmd = None
        os.makedirs(os.path.join(folder, "home"), exist_ok=True)
        lines = [f"listeners.tcp.1 = 127.0.0.1:{self.port}", "log.console = true", "log.console.level = warning",
                 "disk_free_limit.absolute = 50MB", "vm_memory_high_watermark.absolute = 700MB", *config]
        if vhosts:
            names = ["/", *vhosts]
            definitions = {"vhosts": [{"name": name} for name in names], "users": [{"name": "guest", "password": "guest", "tags": "administrator"}],
                           "permissions": [{"user": "guest", "vhost": name, "configure": ".*", "write": ".*", "read": ".*"} for name in names]}
            with open(os.path.join(folder, "definitions.json"), "w") as file:
                json.dump(definitions, file)
            lines.append(f"load_definitions = {os.path.join(folder, 'definitions.json')}")
        if tls:
            certificate, key, ca = tls
            lines += [f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}", f"ssl_options.certfile = {certificate}",
                      f"ssl_options.keyfile = {key}", f"ssl_options.cacertfile = {ca}", "ssl_options.verify = verify_peer",
                      "ssl_options.fail_if_no_peer_cert = false"]
        with open(os.path.join(folder, "rabbitmq.conf"), "w") as file:
            file.write("\n".join(lines) + "\n")
        with open(os.path.join(folder, "enabled_plugins"), "w") as file:
            file.write("[].\n")

    def environment(self):
        here = self.folder
        return {**os.environ, "HOME": os.path.join(here, "home"), "RABBITMQ_NODENAME": f"parley{self.port}@localhost",
                "RABBITMQ_DIST_PORT": str(self._dist), "RABBITMQ_MNESIA_BASE": os.path.join(here, "data"),
                "RABBITMQ_LOG_BASE": os.path.join(here, "log"), "RABBITMQ_CONFIG_FILE": os.path.join(here, "rabbitmq.conf"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": os.path.join(here, "enabled_plugins"), "ERL_EPMD_PORT": str(self._epmd_port),
                "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none"}

    def start(self, seconds=60):
        if self._epmd is None:
            self._epmd = subprocess.Popen(["epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"],
                                          preexec_fn=parley_node.die_with_parent)
        with open(os.path.join(self.folder, "console.log"), "ab") as log:
            # A group of its own: the script has children.
            self._server = subprocess.Popen([PROGRAM], env=self.environment(), stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + seconds
        while not self._answers():
            if self._server.poll() is not None or time.monotonic() > deadline:
                with open(os.path.join(self.folder, "console.log"), errors="replace") as log:
                    raise parley_node.ParleyFailed(f"RabbitMQ did not start:\n{log.read()[-3000:]}")
            time.sleep(0.1)
        return self

    def _answers(self):
        """It listens, and speaks AMQP: connection.start comes once it is up."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                probe.sendall(b"AMQP\x00\x00\x09\x01")
                return probe.recv(1) == b"\x01"
        except OSError:
            return False

    def signal(self, number):
        os.killpg(self._server.pid, number)

    def kill(self):
        """SIGKILL, as a machine that loses its power, but for what the kernel has."""
        if self._server is not None:
            self.signal(signal.SIGKILL)
            self._server.wait()
            self._server = None

    def limit_memory(self, limit):
        """Above the limit it takes no more messages."""
        command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "set_vm_memory_high_watermark", "absolute", limit]
        subprocess.run(command, env=self.environment(), check=True, stdout=subprocess.DEVNULL)

    def url(self, vhost="", options=""):
        return f"rabbitmq://guest:guest@127.0.0.1:{self.port}/{vhost}{options}"

    def close(self):
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()
