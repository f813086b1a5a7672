#!/usr/bin/env python3
"""Runs clang-tidy over src/, and remembers what was clean.

    tidy.py BUILD [FILE…]      BUILD is a build folder with compile_commands.json; FILEs narrow the run

A file is looked at again when it, a header that it includes, its compile command or .clang-tidy has changed. Tests are
left out: GoogleTest's macros make each of them slow and noisy.

It compiles without the precompiled headers: with them a file costs a third more, since the checks look at all that they hold and not at
what the file includes, and so a file that lacks an include is found.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]


def headers(build: pathlib.Path) -> dict[str, list[str]]:
    """The files that went into each object of the last build, by the object's path; empty for an object that is not built yet."""
    text = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    deps: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if match := re.match(r"(\S+): #deps", line):
            current = deps[match[1]] = []
        elif line.startswith("    "):
            current.append(line.strip())
    return deps


def commands(build: pathlib.Path) -> list[dict]:
    """The compile commands of the build, without its precompiled headers."""
    entries = json.loads((build / "compile_commands.json").read_text())
    return [entry | {"command": re.sub(r" -include-pch \S+", "", entry["command"])} for entry in entries]


def key_of(entry: dict, deps: dict[str, list[str]], build: pathlib.Path) -> str:
    """Changes whenever clang-tidy might say something else about the file."""
    output = re.search(r" -o (\S+)", entry["command"])[1]
    if output not in deps:
        return ""  # nothing is known of its headers: never remembered
    files = {entry["file"]} | {os.path.join(build, name) for name in deps[output]}
    ours = sorted(name for name in map(os.path.realpath, files)
                  if name.startswith(f"{ROOT}/") and not name.endswith(".o"))  # a precompiled header is one
    if not all(map(os.path.exists, ours)):
        return ""  # a header has gone since the last build
    digest = hashlib.sha256(entry["command"].encode())
    for name in [str(ROOT / ".clang-tidy"), *ours]:
        digest.update(name.removeprefix(str(ROOT)).encode() + b"\0" + pathlib.Path(name).read_bytes())
    return digest.hexdigest()


def run(tool: str, folder: pathlib.Path, file: str) -> tuple[bool, str]:
    done = subprocess.run([tool, "-p", folder, "--quiet", file], capture_output=True, text=True)
    noise = re.compile(r"^\d+ warnings? (generated|treated as errors?)|^$")
    said = [line for line in (done.stdout + done.stderr).splitlines() if not noise.match(line)]
    return done.returncode == 0, "\n".join(said)


def main() -> int:
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    tool = shutil.which("clang-tidy-19")
    if not tool:
        print("tidy: clang-tidy-19 is not installed; ./dev lint installs it")
        return 1
    build = pathlib.Path(sys.argv[1]).resolve()
    only = {str(pathlib.Path(name).resolve()) for name in sys.argv[2:]}
    entries = {entry["file"]: entry for entry in commands(build)}
    wanted = [entry for file, entry in sorted(entries.items())
              if file.startswith(f"{ROOT}/src/") and not file.endswith("_test.cc") and (not only or file in only)]
    if not wanted:
        print("tidy: no file to look at")
        return 1
    deps = headers(build)
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    (stamps / "compile_commands.json").write_text(json.dumps(wanted))
    keys = {entry["file"]: key_of(entry, deps, build) for entry in wanted}
    todo = [file for file, key in keys.items() if not key or not (stamps / key).exists()]
    print(f"tidy: {len(wanted)} files, {len(todo)} to look at", flush=True)

    os.nice(10)  # it has time, and tests beside it have not
    dirty = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        runs = {pool.submit(run, tool, stamps, file): file for file in todo}
        for number, done in enumerate(concurrent.futures.as_completed(runs), 1):
            file = runs[done]
            clean, said = done.result()
            print(f"[{number}/{len(todo)}] {os.path.relpath(file, ROOT)}", flush=True)
            if not clean:
                dirty += 1
                print(said, flush=True)
            elif keys[file]:
                (stamps / keys[file]).touch()
    if not only:
        for stamp in stamps.iterdir():
            if stamp.name not in (*keys.values(), "compile_commands.json"):
                stamp.unlink()
    print(f"tidy: {dirty} files with findings" if dirty else "tidy: clean")
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
