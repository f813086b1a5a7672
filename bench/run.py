#!/usr/bin/env python3
"""./dev bench: measures Parley beside its peers, in the same run, on this machine.

Each row of ROWS is one measurement of several targets. Targets are measured in turn, several rounds (A B C, A B C, …), so that a drift of
the machine hits all alike; the median is the figure and the spread is shown. CPU is that of the process under test (all of
its processes), read from /proc when the load generator says that it starts and stops measuring.
"""
import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import time

import peers

ROOT = pathlib.Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    total = 0.0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except FileNotFoundError:
            continue
        fields = text[text.rindex(")") + 2:].split()
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def resident_mib(pids):
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def load(build, target, args, seconds):
    """One run of the generator: its JSON, and the target's CPU seconds while it measured."""
    command = [build / "bench/load/parley_load", "--port", str(target.port), "--seconds", str(seconds), "--warmup", "0.7", *args]
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    before = after = 0.0
    for line in process.stderr:
        if line == "measuring\n":
            before = cpu_seconds(target.pids())
        elif line == "measured\n":
            after = cpu_seconds(target.pids())
        else:
            raise RuntimeError(f"{target.name}: {line.strip()}")
    result = json.loads(process.stdout.read())
    if process.wait() != 0 or result["errors"] > 0 or result["requests"] == 0:
        raise RuntimeError(f"{target.name}: {result['errors']} of {result['requests']} requests failed")
    result["cpu_us"] = (after - before) * 1e6 / result["requests"]
    return result


class Bench:
    def __init__(self, build, rounds, seconds):
        self.build, self.rounds, self.seconds = build, rounds, seconds
        self.rows = []

    def add(self, name, unit, better, aim, samples):
        ours = statistics.median(samples["parley"])
        others = {peer: round(statistics.median(values), 2) for peer, values in samples.items() if peer != "parley"}
        spreads = {peer: (round(min(values), 2), round(max(values), 2)) for peer, values in samples.items()}
        self.rows.append({"name": name, "unit": unit, "better": better, "ours": round(ours, 2), "aim": aim, "peers": others, "spread": spreads})
        print(f"{name}: parley {ours:.2f} {unit} " + " ".join(f"{p} {v}" for p, v in others.items()), flush=True)

    def interleave(self, targets, args, fields, rate=None):
        samples = {t.name: [] for t in targets}
        for round_number in range(self.rounds):
            for target in targets:
                extra = ["--rate", str(rate)] if rate else []
                result = load(self.build, target, target.load_args + args + extra, self.seconds)
                samples[target.name].append({f: result[f] for f in fields})
                print(f"  round {round_number + 1} {target.name}: " + ", ".join(f"{f} {result[f]:.1f}" for f in [*fields, "rate"]), flush=True)
        return {f: {name: [s[f] for s in values] for name, values in samples.items()} for f in fields}

    # The rows.

    def grpc_hop(self, stack):
        targets = [stack.parley("grpc"), stack.nghttpx(), stack.haproxy("grpc"), stack.nginx("grpc")]
        got = self.interleave(targets, ["--connections", "4", "--streams", "50"], ["cpu_us"])["cpu_us"]
        median = {k: statistics.median(v) for k, v in got.items()}
        aim = min(median["nghttpx"], 0.7 * median["haproxy"], 0.3 * median["nginx"])
        self.add("gRPC unary hop, CPU a request", "us", "lower", round(aim, 2), got)

    def rest_to_grpc(self, stack):
        targets = [stack.parley("rest"), stack.grpc_gateway(), stack.nginx("http")]
        got = self.interleave(targets, ["--connections", "50"], ["cpu_us"])["cpu_us"]
        median = {k: statistics.median(v) for k, v in got.items()}
        aim = min(0.25 * median["grpc-gateway"], 1.3 * median["nginx-http1"])
        self.add("REST to gRPC unary, CPU a request", "us", "lower", round(aim, 2), got)

    def latency(self, stack):
        """What a target adds to the answer of the backend behind it, which is another one for nginx-http1 than for who calls by gRPC."""
        for kind, targets in (("gRPC", [stack.parley("grpc"), stack.nghttpx(), stack.haproxy("grpc"), stack.nginx("grpc")]),
                              ("REST", [stack.parley("rest"), stack.grpc_gateway(), stack.nginx("http")])):
            direct = [stack.direct("grpc"), *([stack.direct("http")] if kind == "REST" else [])]
            got = self.interleave([*direct, *targets], ["--connections", "10", "--streams", "10"], ["p50_us", "p99_us"], rate=1000)
            for field in ("p50_us", "p99_us"):
                base = {d.name: statistics.median(got[field].pop(d.name)) for d in direct}
                added = {name: [v - base["direct-http" if name == "nginx-http1" else "direct-grpc"] for v in values] for name, values in got[field].items()}
                aim = min(statistics.median(v) for name, v in added.items() if name != "parley")
                self.add(f"{kind}: added latency at 1,000 requests/s, {field[:-3]}", "us", "lower", round(aim, 2), added)

    def codec(self, _stack):
        binary = self.build / "bench/codec/codec_bench"
        for line in subprocess.run([binary, "--json"], check=True, capture_output=True, text=True).stdout.splitlines():
            row = json.loads(line)
            self.add(row["name"], row["unit"], row["better"], row["aim"], {"parley": [row["ours"]], **{k: [v] for k, v in row["peers"].items()}})

    def memory(self, stack):
        samples = {"parley": []}
        busy = {"parley": []}
        for _ in range(self.rounds):
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
        self.add("resident memory, idle", "MiB", "lower", 20, samples)
        self.add("resident memory, 1,000 connections with traffic", "MiB", "lower", 60, busy)

    def start(self, stack):
        samples = {"parley": []}
        for _ in range(max(5, self.rounds)):
            samples["parley"].append(stack.start_to_first_answer())
        self.add("start to first answer, shop contract", "ms", "lower", 100, samples)


ROWS = {"grpc": Bench.grpc_hop, "rest": Bench.rest_to_grpc, "latency": Bench.latency, "codec": Bench.codec, "memory": Bench.memory,
        "start": Bench.start}


def met(row):
    if row["aim"] is None:
        return ""
    good = row["ours"] <= row["aim"] if row["better"] == "lower" else row["ours"] >= row["aim"]
    return "yes" if good else "no"


def table(rows):
    lines = ["| what | unit | parley | aim | met | peers (median) | parley's spread |", "| --- | --- | --- | --- | --- | --- | --- |"]
    for row in rows:
        others = ", ".join(f"{name} {value}" for name, value in row["peers"].items())
        low, high = row["spread"]["parley"]
        lines.append(f"| {row['name']} | {row['unit']} | **{row['ours']}** | {row['aim']} | {met(row)} | {others} | {low} to {high} |")
    return "\n".join(lines) + "\n"


def chart(rows):
    """One group of bars a row, scaled to its own largest value."""
    bar, gap, left, width = 16, 26, 330, 900
    parts, y = [], 20
    for row in rows:
        values = {"parley": row["ours"], **row["peers"]}
        top = max([v for v in values.values() if v > 0] or [1])
        parts.append(f'<text x="10" y="{y + 12}" class="t">{row["name"]} ({row["unit"]}, {row["better"]} is better)</text>')
        y += 20
        for name, value in values.items():
            w = max(2, (width - left - 90) * max(value, 0) / top)
            parts.append(f'<text x="{left - 8}" y="{y + 12}" text-anchor="end">{name}</text>'
                         f'<rect x="{left}" y="{y}" width="{w:.0f}" height="{bar - 3}" class="{"us" if name == "parley" else "peer"}"/>'
                         f'<text x="{left + w + 6:.0f}" y="{y + 12}">{value}</text>')
            y += bar
        y += gap - bar
    style = "text{font:12px sans-serif;fill:#333}.t{font-weight:bold}.us{fill:#2563eb}.peer{fill:#b6c2d2}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 10}"><style>{style}</style>'
            f'<rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows to measure: " + " ".join(ROWS))
    parser.add_argument("--build", default=ROOT / "build/release", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path, help="write one object a row to this file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    unknown = [n for n in options.names if n not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]}; there are {', '.join(ROWS)}")
    bench = Bench(options.build, options.rounds, options.seconds)
    with peers.Stack(ROOT, options.build) as stack:
        for name in options.names or ROWS:
            ROWS[name](bench, stack)
    if not options.names:  # a part would leave the others out
        results = ROOT / "bench/results"
        results.mkdir(exist_ok=True)
        (results / "latest.md").write_text(table(bench.rows))
        (results / "latest.svg").write_text(chart(bench.rows))
    if options.json:
        options.json.write_text("".join(json.dumps({k: r[k] for k in ("name", "unit", "better", "ours", "aim", "peers")}) + "\n" for r in bench.rows))
    print("\n" + table(bench.rows))


if __name__ == "__main__":
    main()
