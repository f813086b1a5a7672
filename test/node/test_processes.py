"""Services that Parley runs itself."""

import contextlib
import os
import signal
import sys
import time

import httpx
import parley_node
import pytest
import suite
from awkward_fixtures import BINARY, CACHE


@pytest.fixture
def own(new_node):
    """A node that runs the awkward service itself."""
    port = parley_node.free_port()
    command = f"exec {sys.executable} {suite.AWKWARD}/server.py {port}"
    return new_node(services={"awkward": {"serves": ["awkward.v1.Awkward"], "at": f"grpc://127.0.0.1:{port}", "run": command}})


def pid_of(node):
    """From the log: 'awkward: started, process 123: …', the last one whose line is whole."""
    return int([line for line in node.log().split("\n")[:-1] if "started, process" in line][-1].split("process ")[1].split(":")[0])


def began(pid):
    """When process `pid` was started, in the system's ticks, which tells it from a later one of the same number; None once it has ended, reaped or not."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


def wait_until(condition, what):
    end = time.monotonic() + 120  # a service is a process of Python with grpcio: its start alone may take long
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_the_service_runs_before_the_node_is_ready_and_stops_with_it(own):
    assert httpx.get(f"http://127.0.0.1:{own.port}/v1/get/n", trust_env=False).status_code == 200
    pid = pid_of(own)
    was = began(pid)
    assert was is not None
    own.stop()
    assert began(pid) != was


def test_a_killed_service_is_started_again(own):
    first = pid_of(own)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: pid_of(own) != first, "it was not started again")
    wait_until(lambda: httpx.get(f"http://127.0.0.1:{own.port}/v1/get/n", trust_env=False).status_code == 200, "it does not answer")


def test_the_service_does_not_outlive_a_killed_node(own):
    pid = pid_of(own)
    was = began(pid)
    assert was is not None
    own.process.kill()
    own.process.wait()
    wait_until(lambda: began(pid) != was, "the service still runs")
    own.process.returncode = 0  # it was the test that killed it


def test_what_the_service_prints_is_prefixed(new_node):
    port = parley_node.free_port()
    run = f"echo hello from the child; exec {sys.executable} {suite.AWKWARD}/server.py {port}"
    node = new_node(services={"awkward": {"serves": ["awkward.v1.Awkward"], "at": f"grpc://127.0.0.1:{port}", "run": run}})
    wait_until(lambda: "awkward | hello from the child\n" in node.log(), "it is not in the log")


def test_what_is_waited_for_follows_the_configuration(new_node):
    """A reload while the node waits for a service that it runs: where the service listens is what the file says now."""
    port, nobody = parley_node.free_port(), parley_node.free_port()
    run = f"exec {sys.executable} {suite.AWKWARD}/server.py {port}"

    def services(at):
        return {"awkward-with-a-name-that-is-long": {"serves": ["awkward.v1.Awkward"], "at": f"grpc://127.0.0.1:{at}", "run": run}}

    with contextlib.closing(Launched(suite.awkward_config(0, services=services(nobody)))) as node:
        wait_until(lambda: node.readiness() == 503 and f"{nobody}" in node.why(), "it does not wait for it")
        node.write_config(suite.awkward_config(0, services=services(port), listen=node.config["listen"], admin=node.config["admin"]))
        wait_until(lambda: "reloaded (files changed)" in node.log(), "it was not read again")
        wait_until(lambda: node.readiness() == 200, "it is not ready")
        node.stop()


class Launched(parley_node.Parley):
    """One that is not waited for."""

    def __init__(self, config):
        super().__init__(BINARY, config)
        self.launch()

    def why(self):
        return httpx.get(f"http://127.0.0.1:{self.admin}/readyz", trust_env=False).text

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()


def test_a_reflected_service_of_its_own_may_take_its_time_to_start(new_node):
    """A machine that is slow, a runtime that is: as without reflection, it is waited for."""
    port = parley_node.free_port()
    run = f"sleep 12; exec {sys.executable} {suite.AWKWARD}/server.py {port}"
    node = new_node(contracts="reflection", services={"awkward": {"at": f"grpc://127.0.0.1:{port}", "run": run}})
    assert httpx.get(f"http://127.0.0.1:{node.port}/v1/get/n", trust_env=False).status_code == 200


def test_a_stop_does_not_wait_for_a_service_that_does_not_come(new_node):
    """Neither in a start nor in a reload."""
    port = parley_node.free_port()
    node = new_node()
    node.write_config({**node.config, "services": {"late": {"at": f"grpc://127.0.0.1:{port}", "run": "exec sleep 1000"}}})
    time.sleep(2)  # the reload asks by now
    assert node.stop_time() < 5
