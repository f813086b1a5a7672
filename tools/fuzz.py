#!/usr/bin/env python3
"""Runs the libFuzzer targets of a build folder, one after the other.

    fuzz.py BUILD [NAME] [--seconds N] [--repeatable]

Starts from the seeds in fuzz/corpus/TARGET, and keeps what it finds on the way in BUILD/corpus/TARGET. An input that breaks a target is in
BUILD/crashes, and running the target with that file as its argument shows the failure again. NAME narrows to the targets that contain it.

--repeatable tries the same inputs each time, from the committed seeds alone: for a test run, which must not fail today on what it
passed yesterday. The search for new ones is the run without it.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def targets(build: pathlib.Path) -> list[pathlib.Path]:
    folder = build / "fuzz"
    return sorted(file for file in folder.iterdir() if file.is_file() and os.access(file, os.X_OK)) if folder.is_dir() else []


def run(target: pathlib.Path, build: pathlib.Path, seconds: int, repeatable: bool) -> bool:
    corpus, crashes = build / ("repeatable" if repeatable else "corpus") / target.name, build / "crashes"
    if repeatable:
        shutil.rmtree(corpus, ignore_errors=True)
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(exist_ok=True)
    command = [target, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={crashes}/{target.name}-", corpus]
    seeds = ROOT / "fuzz" / "corpus" / target.name
    if seeds.is_dir():
        command.append(seeds)
    dictionary = ROOT / "fuzz" / f"{target.name}.dict"
    if dictionary.is_file():
        command.append(f"-dict={dictionary}")
    if repeatable:
        command += ["-seed=1", "-runs=20000"]
    print(f"fuzz: {target.name} for {seconds} s", flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = done.stdout.splitlines()
    shown = lines[-60:] if done.returncode else [line for line in lines if "number_of_executed_units" in line or line.startswith("Done")]
    print("\n".join(shown), flush=True)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--repeatable", action="store_true")
    arguments = parser.parse_args()
    chosen = [target for target in targets(arguments.build.resolve()) if arguments.name in target.name]
    if not chosen:
        print(f"fuzz: no target in {arguments.build}/fuzz" + (f' has "{arguments.name}" in its name' if arguments.name else ""))
        return 1
    broken = [target.name for target in chosen if not run(target, arguments.build.resolve(), arguments.seconds, arguments.repeatable)]
    print(f"fuzz: {len(chosen)} targets, " + (f"broken: {', '.join(broken)}" if broken else "none broken"))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
