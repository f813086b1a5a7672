"""Processes of ./dev bench: started on the loopback, written down, and ended with the bench."""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/lib"))
import tools  # noqa: E402


class Missing(Exception):
    """A peer that cannot be had here, and why: the results list it."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port, process=None, seconds=15):
    end = time.time() + seconds
    while time.time() < end:
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode} instead of listening")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


def tree(pid):
    """The process and all its descendants: nginx and haproxy work in children."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += tree(int(child))
    return found


class Target:
    """What is measured: `load_args` are for the load generator."""

    def __init__(self, name, port, process, load_args):
        self.name, self.port, self.process, self.load_args = name, port, process, load_args

    def pids(self):
        return tree(self.process.pid) if self.process else []


class Processes:
    """Owns every process; a target is started on first use and kept until stop()."""

    def __init__(self, build, parley=None):
        self.root, self.build = ROOT, build
        self.parley_binary = parley or build / "parley"
        self.cache = build / "bench/peers"  # what is installed
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-bench-"))
        self.processes = []
        self.targets = {}

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def spawn(self, command, cpu=None, **kwargs):
        """`cpu`: the one core that the process and its children run on."""
        if cpu is not None:
            command = ["taskset", "-c", cpu, *command]
        log = open(self.folder / "log.txt", "ab")
        process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, **kwargs)
        self.processes.append(process)
        return process

    def stop(self, process):
        self.processes.remove(process)
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self):
        """The end of what the processes said."""
        return (self.folder / "log.txt").read_text(errors="replace")[-1500:]

    def listening(self, name, port, process, seconds=30):
        try:
            wait_for(port, process, seconds)
        except RuntimeError as error:
            raise Missing(f"{name} does not start: {error}; {self.log().strip().splitlines()[-1:]}") from None

    def once(self, name, start):
        if name not in self.targets:
            self.targets[name] = start()
        return self.targets[name]

    def installed(self, what, install, *args):
        """The folder or file that an installer of test/lib/tools.py returns."""
        try:
            return pathlib.Path(install(str(self.cache), *args))
        except SystemExit as error:
            raise Missing(f"{what} cannot be installed: {str(error).strip().splitlines()[-1]}") from None

    def npm(self, folder):
        """Installs what bench/FOLDER/package.json names; returns where, with the other files of bench/FOLDER beside it."""
        tree = self.installed(folder, tools.npm_tree, folder.replace("/", "-"), str(ROOT / "bench" / folder / "package.json"))
        for file in (ROOT / "bench" / folder).iterdir():
            if file.name != "package.json":
                shutil.copy(file, tree)
        return tree

    def go(self, folder, name):
        """Builds the Go module parley.example/bench/NAME in bench/FOLDER."""
        return self.installed(folder, tools.go_binary, str(ROOT / "bench" / folder), f"parley.example/bench/{name}", name)

    def go_package(self, folder, package, name):
        """Builds a package that the Go module in bench/FOLDER requires."""
        return self.installed(folder, tools.go_binary, str(ROOT / "bench" / folder), package, name)

    def debian(self, release, packages):
        return self.installed(f"{packages} of {release}", tools.debian_packages, release, packages)
