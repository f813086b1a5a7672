#!/usr/bin/env python3
"""A node whose disk is full, fails or is damaged; pytest. Arguments after -- go to pytest.

    --part full     the data folder is a small tmpfs, mounted where nobody else sees it (a mount namespace: as root, or as a user of one's own)
    --part faults   fsync and write fail when the test says so (failing_calls.c, before the C library)
    --part damage   the files of a stopped node are changed
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import suite  # noqa: E402

SKIPPED = 77  # CMakeLists.txt
NAMESPACES = [["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]]


def may_mount(namespace):
    trial = "mount -t tmpfs -o size=1m none /mnt"
    return subprocess.run([*namespace, "sh", "-c", trial], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def in_namespace():
    """Goes on in a mount namespace of its own: what is mounted there is gone when the tests end, however they end."""
    if os.environ.get("PARLEY_MAY_MOUNT"):
        return
    for namespace in NAMESPACES:
        if may_mount(namespace):
            os.environ["PARLEY_MAY_MOUNT"] = "yes"
            os.execvp(namespace[0], [*namespace, sys.executable, *sys.argv])
    print("skipped: nothing can be mounted here, neither as this user nor in a user namespace, so no disk can be made full")
    sys.exit(SKIPPED)


if __name__ == "__main__":
    parser = suite.arguments(__doc__)
    parser.add_argument("--part", required=True, choices=["full", "faults", "damage"])
    parser.add_argument("rest", nargs="*")
    arguments = parser.parse_args()
    if arguments.part == "full":
        in_namespace()
    suite.run_pytest(arguments, os.path.join(HERE, f"test_{arguments.part}.py"), *arguments.rest)
