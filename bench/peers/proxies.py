"""Parley and its peers as proxies of rpcs: the rows of gRPC and REST."""
import os
import socket
import subprocess
import time

from .processes import Target, free_port, wait_for

GRPC_LOAD = ["--grpc", "--path", "/shop.Orders/GetOrder"]
REST_LOAD = ["--path", "/v1/orders/1"]


def frame(message):
    return b"\0" + len(message).to_bytes(4, "big") + message


class Proxies:
    """A part of Stack."""

    def start_backend(self):
        contracts = self.root / "examples/shop/contracts"
        includes = ["-I", contracts, "-I", self.root / "contracts"]
        request = self.encode(includes, "shop.GetOrderRequest", 'name: "orders/1"')
        reply = self.encode(includes, "shop.Order", (self.root / "bench/order.txtpb").read_text())
        self.grpc_request = self.write("request.bin", frame(request))
        self.backend_port = free_port()
        self.backend = self.spawn([self.build / "bench/load/parley_backend", "--port", self.backend_port, "--grpc-reply",
                                   self.write("reply.bin", frame(reply))])
        wait_for(self.backend_port, self.backend)

    def encode(self, includes, message, text):
        command = ["protoc", *includes, f"--encode={message}", "shop/orders.proto"]
        return subprocess.run([str(c) for c in command], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout

    def grpc_args(self):
        return [*GRPC_LOAD, "--body-file", str(self.grpc_request)]

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
        process = self.spawn([self.parley_binary, "up", self.parley_config(port, admin)])
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
        process = self.spawn([self.parley_binary, "up", config])
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 0.5) as s:
                    s.sendall(b"GET /v1/orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")
                    if s.recv(4096).startswith(b"HTTP/1.1 200"):
                        break
            except OSError:
                time.sleep(0.0005)
        took = (time.perf_counter() - began) * 1000
        self.stop(process)
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
