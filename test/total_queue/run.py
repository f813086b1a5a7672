#!/usr/bin/env python3
"""The total-queue check: producers publish numbered work while Parley, its handlers and pullers and the broker are killed and stopped, at
random and at fail points; then everything is drained, and every acknowledged message must have been handled, in order per key.

    run.py --parley BINARY --cache FOLDER [--backend embedded|parley|rabbitmq|kafka|sqs] [--faults N] [--minutes N] [--seed N] …

--faults is for how long: CI takes some dozens, a night takes thousands; --minutes ends it earlier. Fail points are there in a debug build or with
-DPARLEY_FAIL_POINTS=ON; at least one must have done its work then. A failing run names its seed and leaves its folder.
"""

import os
import pathlib
import random
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
import checker  # noqa: E402
import kinds  # noqa: E402
import record  # noqa: E402
import suite  # noqa: E402
from producer import Producer  # noqa: E402
from scene import Scene  # noqa: E402

PRODUCERS = 4


def arguments_of():
    parser = suite.arguments(__doc__)
    parser.add_argument("--backend", default="embedded", choices=kinds.KINDS)
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=24 * 60, help="the faults end after so long, however many there were")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--handlers", type=int, default=2, help="handler processes")
    parser.add_argument("--padding", type=int, default=1024, help="bytes in messages that are pulled: 64 MiB in all end a segment of the journal")
    parser.add_argument("--pause", type=float, default=0.04, help="seconds between two messages of a producer, at most")
    return parser.parse_args()


def trouble(scene, arguments, producers):
    """Faults, one after the other."""
    began = told = time.monotonic()
    for number in range(1, arguments.faults + 1):
        scene.wait(scene.chance.uniform(0.1, 0.8))
        if time.monotonic() - began > arguments.minutes * 60:
            break
        scene.fault()
        if number == arguments.faults or time.monotonic() - told > 10:
            told = time.monotonic()
            acknowledged = sum(len(p.acknowledged) for p in producers)
            at_points = f", {scene.fired().total()} at fail points" if scene.has_fail_points else ""
            print(f"{told - began:6.1f} s: {number} of {arguments.faults} faults{at_points}, {acknowledged} messages acknowledged", flush=True)


def judge(scene, producers):
    """The verdict, and what is wrong by it."""
    acknowledged, sent = (set().union(*works) for works in zip(*((p.acknowledged, p.sent) for p in producers)))
    scene.drain(acknowledged, scene.kind.patience)
    ordered = {lane.name for p in producers for lane in p.lanes if lane.ordered}
    handled = scene.handled()
    verdict = checker.check(sent, acknowledged, handled, ordered)
    wrong = [p.refused for p in producers if p.refused]
    if not verdict.good():
        wrong += ["messages are lost, out of order or unexpected", *checker.explain(verdict, sent, acknowledged, handled)]
    if verdict.acknowledged < scene.counts.total():
        wrong.append(f"hardly anything was acknowledged: {verdict.acknowledged} messages in {scene.counts.total()} faults")
    if scene.has_fail_points and not scene.fired():
        wrong.append("no fail point did its work")
    return verdict, wrong


def run(scene, arguments):
    """What is wrong; empty: nothing."""
    scene.start(arguments)
    producers = [Producer(scene.port, scene.kind.lanes(i), arguments.seed + i, arguments.pause) for i in range(PRODUCERS)]
    for producer in producers:
        producer.start()
    trouble(scene, arguments, producers)
    scene.insist()
    for producer in producers:
        producer.ending.set()
    scene.calm()
    for producer in producers:
        producer.join()  # its last call ends by its own time-out
    verdict, wrong = judge(scene, producers)
    print(verdict, f"calls that failed and were made again: {sum(p.again for p in producers)}", *scene.report(), sep="\n", flush=True)
    if not wrong:
        scene.stop()
    return wrong


def attempt(scene, arguments):
    """What is wrong. Says more about it, if something is."""
    try:
        wrong = run(scene, arguments)
        if wrong:
            print(*scene.examine(), sep="\n", flush=True)
    except Exception as failed:  # a node that died or hangs; the folder has what it left
        print(*scene.report(), str(failed), *scene.examine(), sep="\n", flush=True)
        wrong = [(str(failed) or repr(failed)).splitlines()[0]]
    finally:
        scene.clear()
    return wrong


def main():
    checker.self_test()
    arguments = arguments_of()
    folder = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"total-queue-{os.getpid()}"
    folder.mkdir()
    record.self_test(folder)
    print(f"{arguments.backend}, seed {arguments.seed}, folder {folder}", flush=True)
    scene = Scene(arguments, folder)
    wrong = attempt(scene, arguments)
    if wrong:  # in few lines, and last: of a long log, the end is what people see
        after = time.monotonic() - scene.began
        print(f"FAILED after {after:.0f} s, while {scene.doing}: {wrong[0]}", *wrong[1:9], sep="\n")
        sys.exit(f"{arguments.backend}, failed with seed {arguments.seed}; see {folder}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
