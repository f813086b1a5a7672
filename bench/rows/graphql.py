"""GraphQL over gRPC: a hundred posts, flat and with their ten users.

The gateway has core 0 for itself; generator and service share core 1. Every request has other variables and another caller (`authorization`), and
the service makes other posts and users for each, so that no answer can be used twice. Upstream calls are counted by the service.
"""
import os
import statistics

from measure import load, medians
from peers.graphql import FLAT, JOIN

OTHER_CORE = 1
AHEAD = {"tailcall": 1, "tailcall-jit": 1, "mercurius": 5, "hive": 10}  # so many times as fast Parley is to be


def one_round(bench, stack, target, selection):
    args = [*target.graphql_args(selection), "--connections", "32"]
    result = load(bench.build, target, args, bench.seconds, cpu=OTHER_CORE, counts=stack.upstream_counts)
    counts, requests = result["counts"], result["requests"]
    sample = {"rate": result["rate"], "cpu_us": result["cpu_us"], "calls": (counts["lists"] + counts["batches"]) / requests,
              "foreign": counts["foreign"] / max(1, counts["batches"]), "anonymous": counts["anonymous"] / requests}
    print(f"  {target.name}: " + ", ".join(f"{k} {v:.2f}" for k, v in sample.items()), flush=True)
    return sample


def report(bench, what, samples):
    fields = {field: {name: [s[field] for s in values] for name, values in samples.items()} for field in ("cpu_us", "rate", "calls")}
    cpu, rate = medians(fields["cpu_us"]), medians(fields["rate"])
    cpu_aim = min((cpu[name] / factor for name, factor in AHEAD.items() if name in cpu), default=None)
    rate_aim = max((rate[name] * factor for name, factor in AHEAD.items() if name in rate), default=None)
    bench.add(f"GraphQL {what}: CPU a request", "us", "lower", cpu_aim, fields["cpu_us"])
    bench.add(f"GraphQL {what}: requests/s on one core", "requests/s", "higher", rate_aim, fields["rate"])
    bench.add(f"GraphQL {what}: upstream calls a request", "calls", "lower", None, fields["calls"])
    for name, values in samples.items():
        for field, meaning in (("foreign", "of the batches that {} sent held keys of other callers than the one whose authorization they carried"),
                               ("anonymous", "upstream calls a request of {} carried no authorization")):
            share = statistics.median(v[field] for v in values)
            if share > 0.01:
                bench.note(f"GraphQL {what}: {share:.2f} " + meaning.format(name))


def graphql(bench, stack):
    targets = bench.available("GraphQL", stack.graphql_parley, lambda: stack.tailcall(True), lambda: stack.tailcall(False), stack.mercurius, stack.hive)
    bench.note("tailcall-jit is Tailcall as it comes: with its JIT it validates nothing, whatever `queryValidation` says; tailcall has the JIT off, and "
               "validates")
    os.sched_setaffinity(stack.backend.pid, {OTHER_CORE})
    try:
        for what, selection in (("posts and their users", JOIN), ("posts", FLAT)):
            ready = bench.available(f"GraphQL {what}", *[lambda t=t: t.check(selection) and t for t in targets])
            samples = {t.name: [] for t in ready}
            for round_number in range(bench.rounds + 1):
                for target in ready:
                    sample = one_round(bench, stack, target, selection)
                    if round_number > 0:  # Node's compiler takes a while until it knows what is hot
                        samples[target.name].append(sample)
            report(bench, what, samples)
    finally:
        os.sched_setaffinity(stack.backend.pid, range(os.cpu_count()))
    for target in targets:
        stack.stop(target.process)
        stack.targets = {name: t for name, t in stack.targets.items() if t not in targets}
