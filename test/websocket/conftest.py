import time

import httpx
import pytest
from awkward_fixtures import *  # noqa: F403
from sockets import Http1Socket, Http2Socket


@pytest.fixture(params=[Http1Socket, Http2Socket], ids=["http1", "http2"])
def connect(request, node):
    """Opens sockets to an rpc of the awkward service on the shared node, over each HTTP version: connect("Get")."""
    opened = []

    def open_one(rpc, port=None, **more):
        opened.append(request.param(port or node.port, rpc if rpc.startswith("/") else f"/ws/awkward.v1.Awkward/{rpc}", **more))
        return opened[-1]

    yield open_one
    for one in opened:
        one.drop()


@pytest.fixture
def quiet(backend, node):
    """Counts of the awkward service, once it has heard that the calls of the tests before are over: quiet() waits for that, and returns them as a dict of
    `running` and `cancelled`."""

    def counts():
        return {"running": 0, "cancelled": 0, **httpx.get(f"http://127.0.0.1:{node.port}/v1/census", trust_env=False).json()}

    def wait():
        until = time.monotonic() + 60
        while (now := counts())["running"] > 0:
            assert time.monotonic() < until, f"still {now}"
            time.sleep(0.02)
        return now

    wait.counts = counts
    return wait
