"""A Parley process for black-box tests: started from a config dict, waited for, measured, stopped, and checked for a clean end.

    with Parley(binary, {"contracts": "contracts", "services": {...}}) as node:
        requests to node.port, metrics on node.admin

Leaving the block sends SIGTERM and fails the test (ParleyFailed) if Parley crashed, had to be killed, or if a sanitizer reported.
Everything listens on 127.0.0.1. Only the standard library is used, so any runner can import this file.
"""

import contextlib
import ctypes
import fcntl
import glob
import http.client
import json
import mmap
import os
import random
import signal
import socket
import subprocess
import tempfile
import time

# Tests that talk gRPC start processes too, and grpcio's handlers run in the child between fork and exec: one in thirty aborted there, of an epoll
# descriptor that Python had closed (its issue 43055). grpcio looks when it is imported: here for what this process starts, pytest above all.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

_PORT_LOCKS = os.path.join(tempfile.gettempdir(), "parley-test-ports")
_held_ports = []
_SANITIZER_MARKS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", ": runtime error: ", "WARNING: ThreadSanitizer")


class ParleyFailed(AssertionError):
    """Parley did not start, crashed, did not stop, or a sanitizer spoke."""


def free_port():
    """A TCP port on 127.0.0.1 that nobody uses and no other test process will be given while this one lives.

    Ports come from below the kernel's ephemeral range, so that no outgoing connection takes one in between. A plain bind is not proof
    enough: Parley's listeners set SO_REUSEPORT, and two nodes could silently share a port; hence the lock file.
    """
    os.makedirs(_PORT_LOCKS, exist_ok=True)
    for _ in range(1000):
        port = random.randrange(12000, 32000)
        lock = open(os.path.join(_PORT_LOCKS, str(port)), "w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _held_ports.append(lock)
        return port
    raise RuntimeError("no free port between 12000 and 32000")


def die_with_parent():
    """For preexec_fn: the child gets SIGKILL when the test process ends, however that ends, and starts with no signal blocked."""
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def wait_for_port(port, process=None, seconds=60, what="server"):
    """Waits until 127.0.0.1:port accepts; fails at once if `process` has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise ParleyFailed(f"{what} exited with {process.returncode} before it listened on {port}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise ParleyFailed(f"{what} does not listen on {port} after {seconds} s")


def thread_states(pid):
    """Of all threads of the process, as /proc names them: "S" sleeps, "R" runs or would like to, "T" is stopped."""
    for stat in glob.glob(f"/proc/{pid}/task/[0-9]*/stat"):
        with contextlib.suppress(OSError), open(stat) as file:
            yield file.read().rsplit(")", 1)[1].split()[0]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_seconds(process, seconds):
    """Waits until the process has ended, for up to `seconds`. Returns how much of that time was its own: it computed, or all of its threads slept, that is
    waited for something. The rest is the machine's: threads that would like to run on a loaded one, a disk that is slow, a test that stands still itself.
    So a bound on it can be tight."""
    if process.poll() is not None:
        return 0.0
    asleep, cpu = 0.0, 0.0
    before = cpu_seconds(process.pid)
    last = time.monotonic()
    end = last + seconds
    while process.poll() is None and last < end:
        time.sleep(0.02)
        states = list(thread_states(process.pid))
        now = time.monotonic()
        if states and all(state == "S" for state in states):
            asleep += min(now - last, 0.1)  # in a longer step it was this process that stood still
        last = now
        with contextlib.suppress(OSError):
            cpu = cpu_seconds(process.pid) - before
    return asleep + cpu


def to_yaml(value, indent=0):
    """Block-style YAML of dicts, lists and scalars; strings are quoted as JSON, which YAML reads alike."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        lines = []
        for key, item in value.items():
            nested = isinstance(item, (dict, list)) and item
            lines.append(f"{pad}{key}:" + ("\n" + to_yaml(item, indent + 1) if nested else " " + to_yaml(item)))
        return "\n".join(lines)
    if isinstance(value, list) and value:
        return "\n".join(f"{pad}- " + to_yaml(item, indent + 1).lstrip() for item in value)
    return json.dumps(value)


class Backend:
    """A child process that serves one port: `command` may contain "{port}"."""

    def __init__(self, command, *, name, port=None, cwd=None, env=None, seconds=60):
        self.port = port or free_port()
        self.name = name
        self.log_file = tempfile.NamedTemporaryFile("w+", prefix=f"{name}-", suffix=".log", delete=False)
        command = [part.replace("{port}", str(self.port)) for part in command]
        self.process = subprocess.Popen(command, stdout=self.log_file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=cwd,
                                        env={**os.environ, **(env or {})}, preexec_fn=die_with_parent)
        try:
            wait_for_port(self.port, self.process, seconds, name)
        except ParleyFailed as failed:
            self.stop()
            raise ParleyFailed(f"{failed}\n{self.log()}") from None

    def log(self):
        with open(self.log_file.name, errors="replace") as file:
            return file.read()

    def kill(self):
        """Dies without a word, as a crashed process does: the kernel resets its connections."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Parley:
    """One `parley up`. `config` is the content of parley.yaml; `listen` and `admin` are filled in when they are left out."""

    def __init__(self, binary, config, *, cwd=None, env=None, ready_seconds=60, stop_seconds=60):
        self.binary = os.path.abspath(binary)
        self.folder = tempfile.TemporaryDirectory(prefix="parley-node-")
        config = dict(config)
        if "listen" not in config:
            config["listen"] = f"127.0.0.1:{free_port()}"
        if "admin" not in config:
            config["admin"] = f"127.0.0.1:{free_port()}"
        self.config = config
        self.port = int(config["listen"].rsplit(":", 1)[1])
        self.admin = int(config["admin"].rsplit(":", 1)[1])
        self.config_path = os.path.join(self.folder.name, "parley.yaml")
        self.log_path = os.path.join(self.folder.name, "log")
        self.cwd = cwd or self.folder.name
        self.env = env or {}
        self.ready_seconds = ready_seconds
        self.stop_seconds = stop_seconds
        self.process = None

    def launch(self):
        """Starts the process without waiting for anything."""
        self.write_config(self.config)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.binary, "up", "--config", self.config_path], stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL, cwd=self.cwd, env={**os.environ, **self.env},
                                            preexec_fn=die_with_parent)

    def start(self):
        self.launch()
        try:
            self._wait_until_ready()
        except ParleyFailed:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def write_config(self, config):
        """Replaces the file at once, as an editor does, so that a reload never reads half of it."""
        with open(self.config_path + ".new", "w") as file:
            file.write(to_yaml(config) + "\n")
        os.replace(self.config_path + ".new", self.config_path)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def rss_kib(self):
        """Resident memory now, in KiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def rss_bound_kib(self, mib):
        """A bound of `mib` on resident memory or its growth, in KiB. AddressSanitizer's red zones and shadow make small allocations several
        times larger: a sanitized binary gets four times as much, which still tells bounded from unbounded."""
        with open(self.binary, "rb") as binary, mmap.mmap(binary.fileno(), 0, prot=mmap.PROT_READ) as content:
            sanitized = content.find(b"__asan_init") >= 0
        return mib * 1024 * (4 if sanitized else 1)

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def cpu_seconds(self):
        return cpu_seconds(self.process.pid)

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def freeze(self):
        """SIGSTOP, and returns once no thread of it runs: a loaded machine may let one run on for a while."""
        self.signal(signal.SIGSTOP)
        end = time.monotonic() + 60
        while any(state not in "TtZX" for state in thread_states(self.process.pid)):
            assert time.monotonic() < end, "it does not stop"
            time.sleep(0.01)

    def thaw(self):
        self.signal(signal.SIGCONT)

    def stop_time(self, number=None):
        """Stops it, by SIGTERM or the signal that is given, which has to be a clean end; returns how long that took of its own time (`own_seconds`)."""
        self.signal(number or signal.SIGTERM)
        took = own_seconds(self.process, self.stop_seconds)
        self.stop()
        return took

    def stop(self):
        """SIGTERM, then waits. Returns the exit code; raises ParleyFailed if it was not clean."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise self._failed(f"did not stop within {self.stop_seconds} s of SIGTERM") from None
        if code != 0:
            raise self._failed(f"exited with {code}")
        if any(mark in self.log() for mark in _SANITIZER_MARKS):
            raise self._failed("a sanitizer reported an error")
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        try:
            self.stop()
        except ParleyFailed as failed:
            if kind is None:
                raise
            print(failed)  # the test's own failure is the one to show first
        finally:
            self.folder.cleanup()

    def readiness(self):
        """What /readyz answers: 200, another status, or the text of what went wrong."""
        admin = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        try:
            admin.request("GET", "/readyz")
            return admin.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            admin.close()

    def _wait_until_ready(self):
        deadline = time.monotonic() + self.ready_seconds
        answer = "no answer"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise self._failed(f"exited with {self.process.returncode} before it was ready")
            answer = self.readiness()
            if answer == 200:
                return
            time.sleep(0.02)
        raise self._failed(f"was not ready after {self.ready_seconds} s (/readyz: {answer})")

    def _failed(self, what):
        tail = self.log()[-8000:]
        return ParleyFailed(f"parley {what}\n--- its log ---\n{tail}\n--- end of its log ---")
