"""Starts the processes that ./dev bench measures: Parley, its peers, and the backend behind all of them."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process=None, seconds=15):
    end = time.time() + seconds
    while time.time() < end:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode} instead of listening")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


def tree(pid):
    """The process and all its descendants: nginx and haproxy work in children."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += tree(int(child))
    return found


class Target:
    def __init__(self, name, port, process, load_args):
        self.name, self.port, self.process, self.load_args = name, port, process, load_args

    def pids(self):
        return tree(self.process.pid) if self.process else []


GRPC_LOAD = ["--grpc", "--path", "/shop.Orders/GetOrder"]
REST_LOAD = ["--path", "/v1/orders/1"]


class Stack:
    """Owns every process; a target is started on first use and kept."""

    def __init__(self, root, build):
        self.root, self.build = root, build
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-bench-"))
        self.processes = []
        self.targets = {}

    def __enter__(self):
        contracts = self.root / "examples/shop/contracts"
        includes = ["-I", contracts, "-I", self.root / "contracts"]
        self.request = self.encode(includes, "shop.GetOrderRequest", 'name: "orders/1"')
        reply = self.encode(includes, "shop.Order", (self.root / "bench/order.txtpb").read_text())
        self.grpc_reply = self.write("reply.bin", frame(reply))
        self.grpc_request = self.write("request.bin", frame(self.request))
        self.backend_port = free_port()
        self.backend = self.spawn([self.build / "bench/load/parley_backend", "--port", self.backend_port, "--grpc-reply", self.grpc_reply])
        wait_for(self.backend_port, self.backend)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def encode(self, includes, message, text):
        command = ["protoc", *includes, f"--encode={message}", "shop/orders.proto"]
        return subprocess.run([str(c) for c in command], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def spawn(self, command, **kwargs):
        log = open(self.folder / "log.txt", "ab")
        process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, **kwargs)
        self.processes.append(process)
        return process

    def once(self, name, start):
        if name not in self.targets:
            self.targets[name] = start()
        return self.targets[name]

    def grpc_args(self):
        return [*GRPC_LOAD, "--body-file", str(self.grpc_request)]

    # Targets.

    def direct(self, kind):
        args = self.grpc_args() if kind == "grpc" else ["--path", "/"]
        return Target(f"direct-{kind}", self.backend_port, None, args)

    def parley_config(self, port, admin):
        return self.write(f"parley-{port}.yaml", f"""
contracts: {self.root / "examples/shop/contracts"}
listen: 127.0.0.1:{port}
admin: 127.0.0.1:{admin}
services:
  orders:
    serves: [shop.Orders]
    at: grpc://127.0.0.1:{self.backend_port}
""")

    def start_parley(self):
        port, admin = free_port(), free_port()
        process = self.spawn([self.build / "parley", "up", self.parley_config(port, admin)])
        wait_for(port, process)
        return port, process

    def parley(self, kind, fresh=False):
        port, process = self.start_parley() if fresh else self.once("parley", self.start_parley)
        return Target("parley", port, process, self.grpc_args() if kind == "grpc" else REST_LOAD)

    def start_to_first_answer(self):
        """Milliseconds from exec to the first good REST answer."""
        port, admin = free_port(), free_port()
        config = self.parley_config(port, admin)
        began = time.perf_counter()
        process = self.spawn([self.build / "parley", "up", config])
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 0.5) as s:
                    s.sendall(b"GET /v1/orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")
                    if s.recv(4096).startswith(b"HTTP/1.1 200"):
                        break
            except OSError:
                time.sleep(0.0005)
        took = (time.perf_counter() - began) * 1000
        process.terminate()
        process.wait(10)
        return took

    def nginx(self, kind):
        def start():
            grpc, http = free_port(), free_port()
            config = self.write("nginx.conf", f"""
worker_processes 2; daemon off; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_temp_path {self.folder}; proxy_temp_path {self.folder};
  fastcgi_temp_path {self.folder}; uwsgi_temp_path {self.folder}; scgi_temp_path {self.folder};
  # One each: connections that were kept alive for HTTP/2 are no use to HTTP/1.1.
  upstream backend_grpc {{ server 127.0.0.1:{self.backend_port}; keepalive 64; keepalive_requests 100000000; }}
  upstream backend_http {{ server 127.0.0.1:{self.backend_port}; keepalive 64; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{grpc} http2; http2_max_concurrent_streams 512; location / {{ grpc_pass grpc://backend_grpc; }} }}
  server {{ listen 127.0.0.1:{http}; location / {{ proxy_pass http://backend_http; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}
}}""")
            process = self.spawn(["nginx", "-c", config, "-p", self.folder])
            wait_for(http, process)
            return grpc, http, process

        grpc, http, process = self.once("nginx", start)
        if kind == "grpc":
            return Target("nginx", grpc, process, self.grpc_args())
        return Target("nginx-http1", http, process, ["--path", "/"])

    def haproxy(self, _kind):
        def start():
            port = free_port()
            config = self.write("haproxy.cfg", f"""
global
  nbthread 2
  tune.h2.max-concurrent-streams 512
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{port} proto h2
  default_backend back
backend back
  http-reuse always
  server one 127.0.0.1:{self.backend_port} proto h2
""")
            process = self.spawn(["haproxy", "-f", config])
            wait_for(port, process)
            return port, process

        port, process = self.once("haproxy", start)
        return Target("haproxy", port, process, self.grpc_args())

    def nghttpx(self):
        def start():
            port = free_port()
            process = self.spawn(["nghttpx", "--conf=/dev/null", f"-f127.0.0.1,{port};no-tls", f"-b127.0.0.1,{self.backend_port};;proto=h2;no-tls", "-n2",
                                  "--frontend-http2-max-concurrent-streams=512", "--accesslog-file=/dev/null", "--single-process"])
            wait_for(port, process)
            return port, process

        port, process = self.once("nghttpx", start)
        return Target("nghttpx", port, process, self.grpc_args())

    def grpc_gateway(self):
        def start():
            binary = self.build / "bench/grpc_gateway"
            subprocess.run([self.root / "bench/grpc_gateway/build.sh", binary], check=True)
            port = free_port()
            process = self.spawn([binary, "-listen", f"127.0.0.1:{port}", "-backend", f"127.0.0.1:{self.backend_port}"],
                                 env={**os.environ, "GOMAXPROCS": "2"})
            wait_for(port, process)
            return port, process

        port, process = self.once("grpc_gateway", start)
        return Target("grpc-gateway", port, process, REST_LOAD)


def frame(message):
    return b"\0" + len(message).to_bytes(4, "big") + message
