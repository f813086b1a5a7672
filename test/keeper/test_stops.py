"""SIGTERM ends a node within `timeouts.drain` and a moment, whatever its peers do: those that are frozen, those that say nothing, those that wait. The time
is the node's own, which a loaded machine does not make longer (`own_seconds`)."""

import contextlib
import signal
import socket
import threading
import time

import pytest
from rig import Keeper, Publishers, Sidecar

DRAIN = 1
# Beyond the drain. What this is about took 10 s and more.
A_MOMENT = 6


def keeper_with(started, **more):
    return started(Keeper(timeouts={"drain": f"{DRAIN}s"}, **more))


def sidecar_of(started, keeper, handler):
    return started(Sidecar(f"parley://127.0.0.1:{keeper.port}", handler, timeouts={"drain": f"{DRAIN}s"}))


def assert_stops(node):
    took = node.stop_time()
    assert took < DRAIN + A_MOMENT, f"the stop took {took:.1f} s:\n{node.log()[-3000:]}"


@contextlib.contextmanager
def frozen(node):
    node.freeze()
    try:
        yield
    finally:
        node.thaw()


def test_a_keeper_with_a_frozen_sidecar(started, handler):
    keeper = keeper_with(started)
    sidecar = sidecar_of(started, keeper, handler)
    sidecar.store(key="slow", hold=True)
    publishers = Publishers(sidecar)
    publishers.wait(50)
    with frozen(sidecar):
        assert_stops(keeper)
    publishers.stop()


@pytest.mark.parametrize("opening", [b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", b"POST /work.Work/Do HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"],
                         ids=["nothing", "HTTP/2 and no more", "half a request"])
def test_a_keeper_with_silent_peers(started, opening):
    keeper = keeper_with(started, limits={"header_timeout": "60s"})
    peers = [socket.create_connection(("127.0.0.1", keeper.port)) for _ in range(8)]
    for one in peers:
        one.sendall(opening)
    time.sleep(0.2)
    assert_stops(keeper)
    for one in peers:
        one.close()


def test_a_keeper_with_long_polls(started, handler):
    keeper = keeper_with(started)
    asker = Sidecar.tell
    waiting = [threading.Thread(target=asker, args=(keeper, "POST", "/parley/queues/work.Work/Do:lease", {"maxMessages": 1, "wait": "60s"}), daemon=True)
               for _ in range(8)]
    for one in waiting:
        one.start()
    time.sleep(0.5)
    assert_stops(keeper)


def test_a_sidecar_with_a_frozen_keeper(started, handler):
    keeper = keeper_with(started)
    sidecar = sidecar_of(started, keeper, handler)
    sidecar.store(hold=True)
    handler.wait(lambda seen: seen)
    with frozen(keeper):
        assert_stops(sidecar)


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
def test_a_sidecar_in_the_middle_of_a_reload_without_its_keeper(started, handler, trouble):
    keeper = keeper_with(started)
    sidecar = sidecar_of(started, keeper, handler)
    with contextlib.ExitStack() as then:
        if trouble == "killed":
            keeper.kill()
        else:
            then.enter_context(frozen(keeper))
        sidecar.signal(signal.SIGHUP)
        time.sleep(0.5)
        assert_stops(sidecar)
