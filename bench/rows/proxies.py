"""gRPC and REST: CPU a request, added latency, memory, start."""
import socket
import statistics
import time

from measure import medians, resident_mib


def grpc_hop(bench, stack):
    targets = [stack.parley("grpc"), stack.nghttpx(), stack.haproxy("grpc"), stack.nginx("grpc")]
    got = bench.interleave(targets, ["--connections", "4", "--streams", "50"], ["cpu_us"])["cpu_us"]
    median = medians(got)
    aim = min(median["nghttpx"], 0.7 * median["haproxy"], 0.3 * median["nginx"])
    bench.add("gRPC unary hop, CPU a request", "us", "lower", aim, got)


def rest_to_grpc(bench, stack):
    targets = [stack.parley("rest"), stack.grpc_gateway(), stack.nginx("http")]
    got = bench.interleave(targets, ["--connections", "50"], ["cpu_us"])["cpu_us"]
    median = medians(got)
    aim = min(0.25 * median["grpc-gateway"], 1.3 * median["nginx-http1"])
    bench.add("REST to gRPC unary, CPU a request", "us", "lower", aim, got)


def latency(bench, stack):
    """What a target adds to the answer of the backend behind it, which is another one for nginx-http1 than for who calls by gRPC."""
    for kind, targets in (("gRPC", [stack.parley("grpc"), stack.nghttpx(), stack.haproxy("grpc"), stack.nginx("grpc")]),
                          ("REST", [stack.parley("rest"), stack.grpc_gateway(), stack.nginx("http")])):
        direct = [stack.direct("grpc"), *([stack.direct("http")] if kind == "REST" else [])]
        got = bench.interleave([*direct, *targets], ["--connections", "10", "--streams", "10"], ["p50_us", "p99_us"], rate=1000)
        for field in ("p50_us", "p99_us"):
            base = {d.name: statistics.median(got[field].pop(d.name)) for d in direct}
            added = {name: [v - base["direct-http" if name == "nginx-http1" else "direct-grpc"] for v in values] for name, values in got[field].items()}
            aim = min(statistics.median(v) for name, v in added.items() if name != "parley")
            bench.add(f"{kind}: added latency at 1,000 requests/s, {field[:-3]}", "us", "lower", aim, added)


def memory(bench, stack):
    samples = {"parley": []}
    busy = {"parley": []}
    for _ in range(bench.rounds):
        target = stack.parley("rest", fresh=True)
        time.sleep(0.5)
        samples["parley"].append(resident_mib(target.pids()))
        sockets = []
        for _ in range(1000):
            sockets.append(socket.create_connection(("127.0.0.1", target.port)))
        for s in sockets:
            s.sendall(b"GET /v1/orders/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        for s in sockets:
            s.recv(65536)
        busy["parley"].append(resident_mib(target.pids()))
        for s in sockets:
            s.close()
    bench.add("resident memory, idle", "MiB", "lower", 20, samples)
    bench.add("resident memory, 1,000 connections with traffic", "MiB", "lower", 60, busy)


def start(bench, stack):
    samples = {"parley": []}
    for _ in range(max(5, bench.rounds)):
        samples["parley"].append(stack.start_to_first_answer())
    bench.add("start to first answer, shop contract", "ms", "lower", 100, samples)
