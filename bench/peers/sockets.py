"""Parley and its peers as WebSocket servers: echo, and lines for everybody who watches."""
import json
import shutil

from .processes import Target, free_port

LINE = "line " + "1" * 19  # bench/load/lines.h


def line(size):
    return LINE.ljust(size, ".")


class SocketServer(Target):
    """How parley_sockets talks to it: `echo` and `watch` are all its arguments for that, `quiet` those of an echo that says nothing."""

    def __init__(self, name, port, process, quiet=None, message=None, watch=None):
        super().__init__(name, port, process, [])
        self.quiet, self.watch = quiet, watch
        self.echo = [*quiet, "--message-file", message] if message else None


class SocketPeers:
    """A part of Stack. Each server runs on core 0; the generator and the backend are on the other one."""

    def start_sockets(self, name, command, port, cpu=0, **kwargs):
        process = self.spawn(command, cpu=cpu, **kwargs)
        self.listening(name, port, process)
        return process

    def node_server(self, name, folder, rate, size, node=("node",), cpu=0):
        tree = self.npm(folder)
        port = free_port()
        process = self.start_sockets(name, [*node, "server.mjs", port, rate, size], port, cpu, cwd=tree)
        return SocketServer(name, port, process, *self.plain_echo(), ["--path", "/watch"])

    def plain_echo(self):
        return ["--path", "/echo", "--binary"], self.write("line-512.txt", line(512))

    def ws(self, rate=0, size=0):
        return self.node_server("ws", "sockets/ws", rate, size)

    def uws(self, rate=0, size=0, cpu=0):
        """Its binaries need a newer C library than Debian 12 has: Node runs with the next release's."""
        libraries = self.debian("trixie", ["libc6", "libstdc++6", "libgcc-s1"]) / "usr/lib/x86_64-linux-gnu"
        node = [libraries / "ld-linux-x86-64.so.2", "--library-path", libraries, shutil.which("node") or "node"]
        return self.node_server("uWebSockets", "sockets/uws", rate, size, node, cpu)

    def centrifuge(self, rate=0, size=0):
        binary = self.go("sockets/centrifuge", "centrifuge")
        port = free_port()
        process = self.start_sockets("centrifuge", [binary, "-listen", f"127.0.0.1:{port}", "-rate", rate, "-bytes", size], port)
        hello = '{"id":1,"connect":{}}\n{"id":2,"subscribe":{"channel":"lines"}}'
        return SocketServer("centrifuge", port, process, watch=["--path", "/connection/websocket", "--hello", hello])

    def socket_parley(self, rate=0, size=0):
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
        echo = ["--path", "/ws/bench.Sockets/Echo", "--subprotocol", "parley.json.v1"]
        hello = json.dumps({"message": {"rate": rate or 1, "bytes": size}}, separators=(",", ":"))
        watch = ["--path", "/ws/bench.Sockets/Watch", "--subprotocol", "parley.json.v1", "--hello", hello]
        return SocketServer("parley", port, process, echo, self.write("parley-512.json", message), watch)

    # Tunnels: proxies of a plain WebSocket service, which listens at `port`.

    def tunnel_parley(self, port):
        listen = free_port()
        config = self.write(f"tunnel-{listen}.yaml", f"""
contracts: {self.root / "bench/sockets/contracts"}
listen: 127.0.0.1:{listen}
admin: 127.0.0.1:{free_port()}
tunnels:
  echo: {{path: /echo, at: "http://127.0.0.1:{port}"}}
""")
        process = self.start_sockets("parley", [self.parley_binary, "up", config], listen)
        return SocketServer("parley", listen, process, *self.plain_echo())

    def tunnel_nginx(self, port):
        listen = free_port()
        config = self.write("tunnel-nginx.conf", f"""
worker_processes 1; daemon off; pid {self.folder}/tunnel-nginx.pid; error_log {self.folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; client_body_temp_path {self.folder}; proxy_temp_path {self.folder};
  fastcgi_temp_path {self.folder}; uwsgi_temp_path {self.folder}; scgi_temp_path {self.folder};
  server {{
    listen 127.0.0.1:{listen};
    location / {{
      proxy_pass http://127.0.0.1:{port}; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
    }}
  }}
}}""")
        process = self.start_sockets("nginx", ["nginx", "-c", config, "-p", self.folder], listen)
        return SocketServer("nginx", listen, process, *self.plain_echo())

    def tunnel_haproxy(self, port):
        listen = free_port()
        config = self.write("tunnel-haproxy.cfg", f"""
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend front
  bind 127.0.0.1:{listen}
  default_backend back
backend back
  server one 127.0.0.1:{port}
""")
        process = self.start_sockets("haproxy", ["haproxy", "-f", config], listen)
        return SocketServer("haproxy", listen, process, *self.plain_echo())
