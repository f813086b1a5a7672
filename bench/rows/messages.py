"""Durable queues: publishing, publishing to handled, latency, and a queue with ten million waiting.

1 KiB a message, and every acknowledgement after a sync. Broker and generator share the machine's cores, so the figures are of the whole.
"parley" is producers and consumers that keep streams open, as the peers' clients do; "parley by calls" is the queue's rpc and a service that
is called.
"""
import statistics

from measure import generate, medians, resident_mib

OURS = ("parley_queue", "parley_queue_calls")
PEERS = ("rabbitmq_queue", "nats_queue", "postgres_queue", "kafka_queue")
WAITING = 10_000_000


def messages(bench, target, job, producers, depth, *more):
    command = [bench.build / "bench/messages/parley_messages", *target.bus, "--job", job, "--producers", producers, "--depth", depth,
               "--seconds", bench.seconds, *more]
    return generate(command, target)


def rounds(bench, stack, what, run, servers=(*OURS, *PEERS), most=3):
    """Samples of each server: fresh ones, in turn."""
    samples = {}
    for _ in range(min(bench.rounds, most)):
        for start in servers:
            for target in bench.available(what, getattr(stack, start)):
                try:
                    sample = run(target)
                except RuntimeError as error:
                    bench.note(f"{what}: {error}")
                    continue
                finally:
                    target.stop()
                samples.setdefault(target.name, []).append(sample)
                print(f"  {target.name}: " + ", ".join(f"{k} {v:.1f}" for k, v in sample.items()), flush=True)
    return {field: {name: [s[field] for s in values] for name, values in samples.items()}
            for field in next(iter(samples.values()), [{}])[0]}


def throughput(bench, stack, what, job, producers, depth, aim, times):
    rate = "confirm_rate" if job == "publish" else "handle_rate"

    def run(target):
        result = messages(bench, target, job, producers, depth)
        return {"rate": result[rate], "cpu_us": result["cpu_seconds"] * 1e6 / max(1, result["confirmed"])}

    samples = rounds(bench, stack, what, run)
    others = [value for name, value in medians(samples["rate"]).items() if not name.startswith("parley")]
    bench.add(what, "messages/s", "higher", max([aim, *(times * value for value in others)]), samples["rate"])
    bench.add(f"{what}: CPU of the broker a message", "us", "lower", None, samples["cpu_us"])


def publish(bench, stack):
    throughput(bench, stack, "publish, 64 producers with 1 in flight", "publish", 64, 1, 60_000, 2)
    throughput(bench, stack, "publish, 1,000 in flight", "publish", 10, 100, 150_000, 4)


def handle(bench, stack):
    throughput(bench, stack, "publish to handled and settled, 1,000 in flight", "handle", 10, 100, 50_000, 3)


def sidecar(bench, stack):
    """A node without storage publishes to another one, and takes from it; beside that other one by itself."""
    for what, job in (("publish through a sidecar, 1,000 in flight", "publish"), ("publish to handled through a sidecar, 1,000 in flight", "handle")):
        def run(target, job=job):
            result = messages(bench, target, job, 10, 100)
            rate = result["confirm_rate" if job == "publish" else "handle_rate"]
            return {"rate": rate, "cpu_us": result["cpu_seconds"] * 1e6 / max(1, result["confirmed"])}

        samples = rounds(bench, stack, what, run, ("parley_queue_calls", "parley_sidecar"))
        direct = medians(samples["rate"])["parley by calls"]
        bench.add(what, "messages/s", "higher", direct / 2, {"parley": samples["rate"]["sidecar"]})
        bench.add(f"{what}: CPU of both nodes a message", "us", "lower", None, {"parley": samples["cpu_us"]["sidecar"]})


def message_latency(bench, stack):
    what = "publish to handler, 1,000/s"

    def run(target):
        result = messages(bench, target, "latency", 10, 1000, "--rate", 1000)
        return {"p50_ms": result["handle_p50_us"] / 1000, "p99_ms": result["handle_p99_us"] / 1000}

    samples = rounds(bench, stack, what, run)
    bench.add(f"{what}: p50", "ms", "lower", 1, samples["p50_ms"])
    bench.add(f"{what}: p99", "ms", "lower", 5, samples["p99_ms"])


def backlog(bench, stack):
    """A queue whose handler was away while ten million came, and one of a fresh node that nothing waits in: in turn, so that what else the machine
    does hits both."""
    what = "10 million waiting"
    turns = 6

    def handle(target):
        # The handler has been away for a while: it may take 5 s until it is called again.
        return messages(bench, target, "handle", 10, 100, "--seconds", 2 * bench.seconds, "--warmup", 6)

    def handle_empty(full):
        empty = full.another()
        try:
            return handle(empty)
        finally:
            empty.stop()

    def pairs(full):
        for turn in range(turns):
            # Each goes first every other time.
            head, empty = (handle(full), handle_empty(full)) if turn % 2 == 0 else reversed((handle_empty(full), handle(full)))
            print(f"  {full.name}: {head['handle_rate']:.0f} messages/s at the head, {empty['handle_rate']:.0f} in an empty queue", flush=True)
            yield head, empty

    def run(full):
        fill = [bench.build / "bench/messages/parley_messages", *full.bus, "--job", "fill", "--producers", 10, "--depth", 100, "--count", WAITING]
        generate(fill, full)
        mib = resident_mib(full.pids())
        turned = list(pairs(full))
        cost = [statistics.median(one["cpu_seconds"] * 1e6 / one["handled"] for one in column) for column in zip(*turned)]
        return {"share": statistics.median(head["handle_rate"] / empty["handle_rate"] for head, empty in turned), "cpu": cost[0] / cost[1], "mib": mib}

    bench.note(f"{what}: the messages are published while no handler listens; the share is the median of {turns} turns")
    samples = rounds(bench, stack, what, run, OURS)
    bench.add(f"{what}: handled and settled at the head, of what an empty queue does", "share", "higher", 0.9, samples["share"])
    bench.add(f"{what}: CPU of the broker a message, of what it costs in an empty queue", "times", "lower", None, samples["cpu"])
    bench.add(f"{what}: memory", "MiB", "lower", 200, samples["mib"])
