"""Services that Parley runs itself."""

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
    """From the log: 'awkward: started, process 123: …', the last one."""
    return int([line for line in node.log().splitlines() if "started, process" in line][-1].split("process ")[1].split(":")[0])


def test_the_service_runs_before_the_node_is_ready_and_stops_with_it(own):
    assert httpx.get(f"http://127.0.0.1:{own.port}/v1/get/n", trust_env=False).status_code == 200
    pid = pid_of(own)
    own.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_killed_service_is_started_again(own):
    first = pid_of(own)
    os.kill(first, signal.SIGKILL)
    end = time.monotonic() + 60
    status = 0
    while time.monotonic() < end and status != 200:
        status = httpx.get(f"http://127.0.0.1:{own.port}/v1/get/n", trust_env=False, timeout=60).status_code
        time.sleep(0.05)
    assert status == 200
    assert pid_of(own) != first


def test_the_service_does_not_outlive_a_killed_node(own):
    pid = pid_of(own)
    own.process.kill()
    own.process.wait()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the service still runs")
    own.process.returncode = 0  # it was the test that killed it


def test_what_the_service_prints_is_prefixed(new_node):
    port = parley_node.free_port()
    run = f"echo hello from the child; exec {sys.executable} {suite.AWKWARD}/server.py {port}"
    node = new_node(services={"awkward": {"serves": ["awkward.v1.Awkward"], "at": f"grpc://127.0.0.1:{port}", "run": run}})
    assert "awkward | hello from the child" in node.log()
