#!/usr/bin/env python3
"""Makes one ctest folder of several build folders, so that one run has one summary.

    all_tests.py OUT BUILD:PREFIX[:ONLY]…     each test of BUILD, or each that begins with ONLY, is in OUT as PREFIX + its name

A BUILD that does not exist is left out. A test with the label `release_only` is taken without a prefix only. Under a prefix, which means a
slower build, tests have twice the time.

The folder's PROCESSORS are thirds of a core: a test with the label `waits`, which sleeps most of its time, takes one, all others three for
each core. So `ctest -j` gets three times the number of cores. Tests that may take long start first.
"""

import json
import pathlib
import subprocess
import sys

RENAMED = {"DEPENDS", "FIXTURES_SETUP", "FIXTURES_CLEANUP", "FIXTURES_REQUIRED"}  # they name tests of the same build


def quoted(text: str) -> str:
    level = "="
    while f"]{level}]" in text:
        level += "="
    return f"[{level}[{text}]{level}]"


def value_of(name: str, value, prefix: str) -> str:
    items = value if isinstance(value, list) else [value]
    if name in RENAMED:
        items = [prefix + item for item in items]
    if name == "TIMEOUT" and prefix:
        items = [item * 2 for item in items]
    return ";".join({True: "ON", False: "OFF"}[item] if isinstance(item, bool) else str(item).replace(";", "\\;") for item in items)


def scheduled(properties: dict) -> dict:
    waits = "waits" in properties.get("LABELS", [])
    return properties | {"PROCESSORS": 1 if waits else 3 * int(properties.get("PROCESSORS", 1)), "COST": properties.get("TIMEOUT", 0)}


def lines_of(build: pathlib.Path, prefix: str, only: str) -> list[str]:
    shown = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], capture_output=True, text=True, check=True)
    lines = []
    for test in json.loads(shown.stdout)["tests"]:
        properties = {each["name"]: each["value"] for each in test.get("properties", [])}
        if not test["name"].startswith(only) or (prefix and "release_only" in properties.get("LABELS", [])):
            continue
        name = quoted(prefix + test["name"])
        command = test.get("command") or [f"{test['name']}_is_not_built"]  # ctest reports it as not run, which fails
        lines.append(f"add_test({name} {' '.join(map(quoted, command))})")
        pairs = (f"{key} {quoted(value_of(key, value, prefix))}" for key, value in scheduled(properties).items())
        lines.append(f"set_tests_properties({name} PROPERTIES {' '.join(pairs)})")
    return lines


def main() -> int:
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    out = pathlib.Path(sys.argv[1])
    lines = []
    for each in sys.argv[2:]:
        build, prefix, only = (each + "::").split(":")[:3]
        if (pathlib.Path(build) / "CTestTestfile.cmake").exists():
            lines += lines_of(pathlib.Path(build), prefix, only)
    out.mkdir(parents=True, exist_ok=True)
    (out / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
