"""WebSocket: echo, fan-out, idle sockets, and sockets that do not read.

The server has core 0 for itself; generator and the service behind Parley share core 1. "a core" is by the CPU time of the server, so that a
generator that cannot keep up hides nothing.
"""
import os
import subprocess
import time

from measure import generate, medians, resident_mib
from peers import Missing

OTHER_CORE = 1
SHARED = "Parley reads the lines from one gRPC stream; the peers make them themselves"


def rounds_of(bench, stack, what, starts, run, discard=0, rounds=None):
    """Samples of each server that `run` works with, in turn; the servers are stopped afterwards. `discard`: so many rounds are not counted, for
    servers that get faster while they run."""
    rounds = rounds or bench.rounds
    targets = bench.available(what, *starts)
    samples = {target.name: [] for target in targets}
    os.sched_setaffinity(stack.backend.pid, {OTHER_CORE})
    for round_number in range(rounds + discard):
        for target in list(targets):
            try:
                sample = run(target)
            except RuntimeError as error:
                bench.note(f"{what}: {error}")
                targets.remove(target)
                stack.stop(target.process)
                del samples[target.name]
                continue
            if round_number >= discard:
                samples[target.name].append(sample)
            print(f"  {target.name}: " + ", ".join(f"{k} {v:.1f}" for k, v in sample.items()), flush=True)
    os.sched_setaffinity(stack.backend.pid, range(os.cpu_count()))
    for target in targets:
        stack.stop(target.process)
    return {name: values for name, values in samples.items() if values}


def fresh_rounds(bench, stack, what, starts, run):
    """The same with new servers for each round, since memory that was once used may stay with a process."""
    samples = {}
    for _ in range(min(bench.rounds, 3)):
        for name, values in rounds_of(bench, stack, what, starts, run, rounds=1).items():
            samples.setdefault(name, []).extend(values)
    return samples


def pick(samples, field):
    return {name: [sample[field] for sample in values] for name, values in samples.items()}


def sockets(bench, target, args, seconds=None):
    command = [bench.build / "bench/load/parley_sockets", "--port", target.port, "--seconds", seconds or bench.seconds, *args]
    result = generate(command, target, cpu=OTHER_CORE)
    result["a_core"] = result["lines"] / max(result["cpu_seconds"], 0.01)
    return result


def echo(bench, stack):
    for depth, count in ((1, 200), (16, 50)):
        what = f"WebSocket echo, 512 B, {count} sockets with {depth} in flight"

        def run(target, depth=depth, count=count):
            result = sockets(bench, target, ["--job", "echo", *target.echo, "--sockets", count, "--depth", depth])
            return {field: result[field] for field in ("a_core", "rate", "p50_us", "p99_us")}

        samples = rounds_of(bench, stack, what, [stack.socket_parley, stack.ws, stack.uws], run, discard=1)
        bench.add(what, "messages/s a core", "higher", 150_000, pick(samples, "a_core"))
    bench.note("WebSocket echo: the peers send back a message themselves; Parley takes JSON, sends it to a gRPC service as Protobuf and what "
               "comes from there back as JSON")


def fan_out(bench, stack):
    for rate in (200, 1000):
        what = f"WebSocket fan-out, 100 B to 1,000 sockets, {rate} lines/s"

        def run(target):
            result = sockets(bench, target, ["--job", "listen", *target.watch, "--sockets", 1000])
            return {field: result[field] for field in ("a_core", "rate", "p50_us", "p99_us")}

        starts = [lambda start=start: start(rate=rate, size=100) for start in (stack.socket_parley, stack.centrifuge, stack.ws, stack.uws)]
        samples = rounds_of(bench, stack, what, starts, run, discard=1)
        a_core = pick(samples, "a_core")
        # A slow source pays a system call for each delivery; a fast one shows what is left when they share one.
        aim = max(500_000, medians(a_core).get("centrifuge", 0)) if rate == 1000 else medians(a_core).get("centrifuge")
        bench.add(what, "deliveries/s a core", "higher", aim, a_core)
        bench.add(f"{what}: delivered", "deliveries/s", "higher", None, pick(samples, "rate"))
    bench.note("centrifuge is the library that Centrifugo is made of: the Go proxy here does not have Centrifugo itself")
    bench.note(f"WebSocket fan-out: {SHARED}")


def tunnel(bench, stack):
    """Proxies in front of one service, which is uWebSockets: it is the fastest."""
    try:
        service = stack.uws(cpu=OTHER_CORE)
    except Missing as reason:
        bench.note(f"WebSocket tunnel: no service to stand in front of: {reason}")
        return
    for depth, count in ((1, 200), (16, 50)):
        what = f"WebSocket tunnel, 512 B there and back, {count} sockets with {depth} in flight: CPU a message"

        def run(target, depth=depth, count=count):
            result = sockets(bench, target, ["--job", "echo", *target.echo, "--sockets", count, "--depth", depth])
            return {"cpu_us": result["cpu_seconds"] * 1e6 / result["lines"], "rate": result["rate"]}

        starts = [lambda start=start: start(service.port) for start in (stack.tunnel_parley, stack.tunnel_nginx, stack.tunnel_haproxy)]
        bench.add(what, "us", "lower", None, pick(rounds_of(bench, stack, what, starts, run), "cpu_us"))
    stack.stop(service.process)


def hold(bench, target, args, count):
    """KiB of the server for each of so many sockets that do nothing after `args`."""
    time.sleep(0.5)
    before = resident_mib(target.pids())
    command = [bench.build / "bench/load/parley_sockets", "--job", "hold", "--port", target.port, *args, "--sockets", count]
    holder = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if holder.stdout.readline() != "ready\n":
        raise RuntimeError(f"{target.name}: {holder.stderr.read().strip()}")
    time.sleep(1)
    after = resident_mib(target.pids())
    holder.stdin.close()
    holder.wait()
    return {"kib": (after - before) * 1024 / count}


def idle_sockets(bench, stack):
    count = 10_000
    every = [lambda start=start: start(rate=0, size=100) for start in (stack.socket_parley, stack.ws, stack.uws, stack.centrifuge)]
    watching = lambda target: hold(bench, target, target.watch, count)  # noqa: E731
    opened = lambda target: hold(bench, target, target.quiet, count)  # noqa: E731
    for what, starts, run in (("which said nothing yet", every[:-1], opened), ("which watches a stream", every, watching)):
        samples = pick(fresh_rounds(bench, stack, "idle sockets", starts, run), "kib")
        bench.add(f"memory of an idle socket, {what}, 10,000 of them", "KiB", "lower", 10, samples)


def stalled(bench, stack):
    """4 KiB lines at 5 a second to 10,000 sockets: what the thousand that do not read are owed is soon more than the kernel takes."""
    count, asleep, rate, size = 10_000, 1_000, 5, 4096
    starts = [lambda start=start: start(rate=rate, size=size) for start in (stack.socket_parley, stack.centrifuge, stack.ws, stack.uws)]

    def measured(number):
        def run(target):
            before = resident_mib(target.pids())
            result = sockets(bench, target, ["--job", "listen", *target.watch, "--sockets", count, "--stalled", number, "--warmup", 6], seconds=5)
            return {"p99_ms": result["p99_us"] / 1000, "fewest": result["fewest"] / result["seconds"] / rate, "mib": result["mib"] - before}

        return fresh_rounds(bench, stack, f"10,000 sockets, {number} not reading", starts, run)

    reading, sleeping = measured(0), measured(asleep)
    what = "10,000 sockets, 1,000 of them not reading"
    without, memory = medians(pick(reading, "p99_ms")), medians(pick(reading, "mib"))
    bench.add("10,000 sockets, all reading: p99 of a line's way", "ms", "lower", None, pick(reading, "p99_ms"))
    bench.add(f"{what}: p99 of a line's way to the others", "ms", "lower", 1.2 * without["parley"] if "parley" in without else None,
              pick(sleeping, "p99_ms"))
    bench.add(f"{what}: fewest lines that one of the others got, of those sent", "share", "higher", 0.98, pick(sleeping, "fewest"))
    kib = {name: [(mib - memory[name]) * 1024 / asleep for mib in values] for name, values in pick(sleeping, "mib").items() if name in memory}
    bench.add(f"{what}: memory for each of those", "KiB", "lower", 128, kib)
