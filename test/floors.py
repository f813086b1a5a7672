#!/usr/bin/env python3
"""Checks the building's floors: a folder under src/ includes only folders on floors below its own.

    floors.py [ROOT]

Every quoted include under src/ is written from src/ ("base/error.h"). Prints each include that breaks a rule as file:line, and ends with 1
if there is one.
"""

import pathlib
import re
import sys

# The floors of the house, from the ground up. An entry that ends in "/" stands for each folder in it: those are neighbours, and neighbours
# never include each other.
FLOORS = [
    ["base"],
    ["contract", "wire", "loop"],
    ["net", "store", "graphql"],
    ["call"],
    ["filter", "mesh", "queue", "event"],
    ["edge/", "route/"],
    ["node"],
    ["cli"],
    ["."],  # main.cc
]

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def folder_of(path: str) -> str:
    """The folder, as FLOORS names it, that a path below src/ is in: "edge/rest" of "edge/rest/bind.h", "queue" of "queue/kafka/log.h"."""
    parts = path.split("/")[:-1]
    if not parts:
        return "."
    return "/".join(parts[:2]) if parts[0] + "/" in ALL_ENTRIES and len(parts) > 1 else parts[0]


ALL_ENTRIES = {entry for floor in FLOORS for entry in floor}


def floor_of(folder: str) -> int | None:
    """The floor that a folder is on; None when it is on no floor."""
    for number, entries in enumerate(FLOORS):
        for entry in entries:
            if folder == entry or (entry.endswith("/") and folder.startswith(entry)):
                return number
    return None


def wrong_with(source: str, target: str, src: pathlib.Path) -> str | None:
    """Why the file `source` must not include `target`, both below src/; None when it may."""
    if ".." in target.split("/"):
        return 'an include is written from src/, without ".."'
    here, there = folder_of(source), folder_of(target)
    if there == "." and here != ".":
        return f'there is no such file from src/ on; perhaps "{here}/{target}"?' if not (src / target).exists() else "nothing includes main"
    if here == there:
        return None
    if floor_of(there) is None:
        return f"{there}/ is on no floor: test/floors.py lists them"
    if floor_of(there) < floor_of(here):
        return None
    return f"{here}/ is on floor {floor_of(here)} and must not know {there}/ on floor {floor_of(there)}"


def check(src: pathlib.Path) -> tuple[list[str], int]:
    """All complaints about the files below `src`, and the number of files that were read."""
    complaints, files = [], 0
    for path in sorted(path for ending in ("h", "cc") for path in src.rglob(f"*.{ending}")):
        name = path.relative_to(src).as_posix()
        files += 1
        if floor_of(folder_of(name)) is None:
            complaints.append(f"src/{name}: {folder_of(name)}/ is on no floor: test/floors.py lists them")
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if (match := INCLUDE.match(line)) and (why := wrong_with(name, match[1], src)):
                complaints.append(f'src/{name}:{number}: "{match[1]}": {why}')
    return complaints, files


def self_test() -> None:
    """The rules on examples, so that a slip in this file cannot wave everything through."""
    src = pathlib.Path("/nonexistent")
    for source, target, allowed in [
        ("net/server.cc", "wire/h2.h", True),
        ("net/server.cc", "net/tls.h", True),
        ("wire/h2.cc", "net/server.h", False),
        ("wire/h2.cc", "loop/task.h", False),
        ("edge/rest/bind.cc", "edge/rest/bind.h", True),
        ("edge/rest/bind.cc", "edge/rpc/frame.h", False),
        ("edge/rest/bind.cc", "route/grpc/route.h", False),
        ("edge/rest/bind.cc", "call/call.h", True),
        ("filter/limits.cc", "mesh/cluster.h", False),
        ("node/wiring.cc", "route/grpc/route.h", True),
        ("queue/kafka/log.cc", "queue/queue.h", True),
        ("net/server.cc", "../wire/h2.h", False),
        ("net/server.cc", "tls.h", False),
        ("net/server.cc", "attic/old.h", False),
        ("main.cc", "cli/cli.h", True),
    ]:
        assert (wrong_with(source, target, src) is None) == allowed, f"{source} including {target}"


def main() -> int:
    self_test()
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1]
    complaints, files = check(root / "src")
    print("\n".join(complaints) if complaints else f"floors: {files} files, every include goes down")
    if files == 0:
        print(f"floors: no source under {root / 'src'}")
    return 1 if complaints or files == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
