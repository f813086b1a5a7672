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
