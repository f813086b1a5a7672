#!/usr/bin/env python3
"""./dev bench: measures Parley beside its peers, in the same run, on this machine.

Each row is one measurement of several targets. Targets are measured in turn, several rounds (A B C, A B C, …), so that a drift of
the machine hits all alike; the median is the figure and the spread is shown. CPU is that of the process under test (all of
its processes), read from /proc when the load generator says that it starts and stops measuring. A peer that cannot be had here is listed
below the table with the reason.
"""
import argparse
import json
import pathlib

import measure
import peers
import report
from rows import ROWS

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows to measure: " + " ".join(ROWS))
    parser.add_argument("--build", default=ROOT / "build/release", type=pathlib.Path)
    parser.add_argument("--parley", type=pathlib.Path, help="the binary to measure, when it is not the build's")
    parser.add_argument("--json", type=pathlib.Path, help="write one object a row to this file")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    unknown = [n for n in options.names if n not in ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]}; there are {', '.join(ROWS)}")
    build = options.build.resolve()
    bench = measure.Bench(build, options.rounds, options.seconds)
    with peers.Stack(build, options.parley and options.parley.resolve()) as stack:
        for name in options.names or ROWS:
            ROWS[name](bench, stack)
    if not options.names:  # a part would leave the others out
        results = ROOT / "bench/results"
        results.mkdir(exist_ok=True)
        (results / "latest.md").write_text(report.table(bench.rows, bench.notes))
        (results / "latest.svg").write_text(report.chart(bench.rows))
    if options.json:
        options.json.write_text("".join(json.dumps({k: r[k] for k in ("name", "unit", "better", "ours", "aim", "peers")}) + "\n" for r in bench.rows))
    print("\n" + report.table(bench.rows, bench.notes))


if __name__ == "__main__":
    main()
