#!/usr/bin/env python3
"""Starts the shop behind Parley, takes the tour, and stays up until Ctrl-C; with --check it ends after the tour. See ./dev up."""

import argparse
import contextlib
import http.client
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
PARLEY = pathlib.Path("build/release/parley")
SHOP = pathlib.Path("examples/shop")
PAGE = pathlib.Path("build/release/shop/web/index.html")
LOG = pathlib.Path("build/up.log")
START_SECONDS = 120


def address(key: str) -> str:
    """The URL that the shop's parley.yaml gives for `listen` or `admin`."""
    return "http://" + re.search(rf"^{key}: *(\S+)", (SHOP / "parley.yaml").read_text(), re.MULTILINE)[1]


def is_ready() -> bool:
    with contextlib.suppress(OSError, http.client.HTTPException):  # URLError is an OSError, and so is a time-out
        with urllib.request.urlopen(address("admin") + "/readyz", timeout=10) as answer:
            return answer.status == 200
    return False


def wait_until_ready(node: subprocess.Popen) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and node.poll() is None:
        if is_ready():
            return True
        time.sleep(0.05)
    return False


def stop(node: subprocess.Popen) -> int:
    """Asks Parley to drain and stop; its exit code."""
    if node.poll() is None:
        node.terminate()
        try:
            node.wait(timeout=90)
        except subprocess.TimeoutExpired:
            print("up: parley did not stop and is killed")
            node.kill()
    return node.wait()


def show_log() -> None:
    lines = LOG.read_text(errors="replace").splitlines()
    print(f"--- the end of {LOG} ---", *lines[-40:], "---", sep="\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="end after the tour")
    check = parser.parse_args().check
    if is_ready():
        print(f"up: something already answers on {address('admin')}: is another Parley running?")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with open(LOG, "w") as log:  # in a session of its own: Ctrl-C reaches us first, and Parley stops its services in order
        node = subprocess.Popen([PARLEY, "up", SHOP], stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        if not wait_until_ready(node):
            show_log()
            print("up: parley ended" if node.poll() is not None else f"up: parley is not ready after {START_SECONDS} s")
            return 1
        tour = [sys.executable, SHOP / "tour.py", "--at", address("listen"), "--admin", address("admin"), "--parley", PARLEY]
        if PAGE.exists():
            tour.append("--page")
        code = subprocess.run(tour).returncode
        if code != 0:
            show_log()
        if not check:
            shown = f"{address('listen')}/ is its page, {address('listen')}/docs its reference" if PAGE.exists() else f"{address('listen')}/docs"
            print(f"\nThe shop is open: {shown}. Its log is in {LOG}. Ctrl-C stops it.", flush=True)
            code = node.wait()
            print(f"up: parley ended with {code}")
        return code
    except KeyboardInterrupt:
        print("\nup: stopping", flush=True)
        return 130
    finally:
        if stop(node) != 0 and check:
            print(f"up: parley did not end well: {node.returncode}")
            sys.exit(1)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
