"""Parley and its peers as WebSocket servers: echo, and lines for everybody who watches."""
import json
import shutil

from .processes import Target, free_port

LINE = "line " + "1" * 19  # bench/load/lines.h


def line(size):
    return LINE.ljust(size, ".")


class SocketServer(Target):
    """`echo` and `watch` are arguments of parley_sockets: how one talks to this server."""

    def __init__(self, name, port, process, echo=None, watch=None):
        super().__init__(name, port, process, [])
        self.echo, self.watch = echo, watch


class SocketPeers:
    """A part of Stack. Each server runs on core 0; the generator and the backend are on the other one."""

    def start_sockets(self, name, command, port, **kwargs):
        process = self.spawn(command, cpu=0, **kwargs)
        self.listening(name, port, process)
        return process

    def node_server(self, name, folder, rate, size, node=("node",)):
        tree = self.npm(folder)
        port = free_port()
        process = self.start_sockets(name, [*node, "server.mjs", port, rate, size], port, cwd=tree)
        echo = ["--path", "/echo", "--binary", "--message-file", str(self.write("line-512.txt", line(512)))]
        return SocketServer(name, port, process, echo, ["--path", "/watch"])

    def ws(self, rate=0, size=0):
        return self.node_server("ws", "sockets/ws", rate, size)

    def uws(self, rate=0, size=0):
        """Its binaries need a newer C library than Debian 12 has: Node runs with the next release's."""
        libraries = self.debian("trixie", ["libc6", "libstdc++6", "libgcc-s1"]) / "usr/lib/x86_64-linux-gnu"
        node = [libraries / "ld-linux-x86-64.so.2", "--library-path", libraries, shutil.which("node") or "node"]
        return self.node_server("uWebSockets", "sockets/uws", rate, size, node)

    def centrifuge(self, rate=0, size=0):
        binary = self.go("sockets/centrifuge", "centrifuge")
        port = free_port()
        process = self.start_sockets("centrifuge", [binary, "-listen", f"127.0.0.1:{port}", "-rate", rate, "-bytes", size], port)
        hello = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"lines"}}'
        return SocketServer("centrifuge", port, process, None, ["--path", "/connection/websocket", "--hello", hello])

    def socket_parley(self, rate=0, size=0, shards=None):
        """In front of bench.Sockets, of which bench/load/h2_service.h is the service."""
        port = free_port()
        config = self.write(f"sockets-{port}.yaml", f"""
contracts: {self.root / "bench/sockets/contracts"}
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{free_port()}
services:
  bench:
    serves: [bench.Sockets]
    at: grpc://127.0.0.1:{self.backend_port}
""")
        process = self.start_sockets("parley", [self.parley_binary, "up", config], port)
        message = json.dumps({"message": {"text": line(512)}}, separators=(",", ":"))
        echo = ["--path", "/ws/bench.Sockets/Echo", "--subprotocol", "parley.json.v1", "--message-file", str(self.write("parley-512.json", message))]
        hello = json.dumps({"message": {"rate": rate or 1, "bytes": size}}, separators=(",", ":"))
        watch = ["--path", "/ws/bench.Sockets/Watch", "--subprotocol", "parley.json.v1", "--hello", hello]
        return SocketServer("parley", port, process, echo, watch)
