#!/usr/bin/env python3
"""The README's five-minute path: its files are those of examples/hello, and its calls answer as it says."""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
import parley_node  # noqa: E402
import suite  # noqa: E402

ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
HELLO = os.path.join(ROOT, "examples", "hello")
FILES = ["contracts/hello.proto", "hello.mjs", "parley.yaml"]


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def check_files(readme):
    """Each file of examples/hello is in the README, word for word."""
    missing = [name for name in FILES if read(HELLO, name).strip() not in readme]
    assert not missing, f"the README shows another {missing}"


def check_calls(readme, parley, node):
    """Runs each `$ command` of the README's blocks `sh hello`, and compares what follows it."""
    blocks = re.findall(r"^```sh hello\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    calls = [call for block in blocks for call in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)]
    assert len(calls) >= 3, f"the README has only {len(calls)} calls"
    for command, wanted in calls:
        there = command.replace("127.0.0.1:8080", f"127.0.0.1:{node.port}")
        there = re.sub(r"^parley call", f"{parley} call --contract {HELLO} --to 127.0.0.1:{node.port}", there)
        there = re.sub(r"^parley (queue|topic) (\w+)", rf"{parley} \1 \2 --node 127.0.0.1:{node.port}", there)
        done = subprocess.run(["bash", "-c", there], capture_output=True, text=True, timeout=60)
        print(f"$ {there}\n{done.stdout}{done.stderr}", flush=True)
        assert done.returncode == 0 and done.stdout.strip() == wanted.strip(), f"the README says\n{wanted}"


def main():
    arguments = suite.arguments(__doc__).parse_args()
    readme = read(ROOT, "README.md")
    check_files(readme)
    port = parley_node.free_port()
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "hello.mjs")
        with open(script, "w", encoding="utf-8") as file:
            file.write(read(HELLO, "hello.mjs").replace("7101", str(port)))
        config = {"contracts": f"{HELLO}/contracts",
                  "services": {"hello": {"serves": ["hello.Greeter"], "run": f"node {script}", "at": f"http://127.0.0.1:{port}"}}}
        with parley_node.Parley(arguments.parley, config) as node:
            check_calls(readme, arguments.parley, node)


if __name__ == "__main__":
    main()
