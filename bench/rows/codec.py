"""What the micro benchmarks say of themselves: one JSON object a row."""
import json
import subprocess

from peers import Missing


def own_rows(bench, binary, peers=None):
    for line in subprocess.run([binary, "--json"], check=True, capture_output=True, text=True).stdout.splitlines():
        row = json.loads(line)
        bench.add(row["name"], row["unit"], row["better"], row["aim"], {"parley": [row["ours"]], **{k: [v] for k, v in (peers or row["peers"]).items()}})


def codec(bench, _stack):
    own_rows(bench, bench.build / "bench/codec/codec_bench")


def planning(bench, stack):
    binary = bench.build / "bench/graphql/plan_bench"
    try:
        peers = stack.planning_peers(binary)
    except Missing as reason:
        bench.note(f"planning: {reason}")
        peers = {}
    own_rows(bench, binary, peers)
