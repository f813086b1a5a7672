"""Who may connect, and what those who may not are told."""

import json

import pytest
from sockets import JSON, Http1Socket, Refused

PATH = "/ws/awkward.v1.Awkward/Get"


def refused(connect, *arguments, **more):
    with pytest.raises(Refused) as caught:
        connect(*arguments, **more)
    return caught.value


@pytest.mark.parametrize("rpc, more, status, reason", [
    ("/ws/awkward.v1.Awkward/Gett", {}, 404, "unknown_method"),
    ("/ws/", {}, 404, "unknown_method"),
    ("Get", {"protocol": "graphql-ws"}, 400, "bad_handshake"),
    ("Get", {"headers": {"Origin": "https://evil.example"}}, 403, "origin_not_allowed"),
    ("Get", {"headers": {"Origin": "null"}}, 403, "origin_not_allowed"),
    ("Get", {"headers": {"Origin": "http://127.0.0.1"}}, 403, "origin_not_allowed"),
])
def test_refused_over_either_version(connect, rpc, more, status, reason):
    answer = refused(connect, rpc, **more)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.body)
    assert problem["status"] == status and problem["reason"] == reason and problem["detail"]


@pytest.mark.parametrize("headers, status", [
    ({"Sec-WebSocket-Version": "8"}, 426),
    ({"Sec-WebSocket-Version": None}, 426),
    ({"Sec-WebSocket-Key": None}, 400),
    ({"Sec-WebSocket-Key": "c2hvcnQ="}, 400),
    ({"Sec-WebSocket-Key": "not base64 at all, is it"}, 400),
    ({"Upgrade": None}, 426),
    ({"Upgrade": "h2c"}, 426),
    ({"Connection": "keep-alive"}, 426),
])
def test_refused_over_http1(node, headers, status):
    with pytest.raises(Refused) as caught:
        Http1Socket(node.port, PATH, headers=headers)
    assert caught.value.status == status
    if status == 426:
        assert caught.value.headers["sec-websocket-version"] == "13"
        assert caught.value.headers["upgrade"] == "websocket"


def test_http2_version(connect, node):
    from sockets import Http2Socket
    with pytest.raises(Refused) as caught:
        Http2Socket(node.port, PATH, version="8")
    assert caught.value.status == 426


def test_origins_that_may_connect(connect, node):
    for origin in ["https://shop.example", f"http://127.0.0.1:{node.port}"]:
        socket = connect("Get", headers={"Origin": origin})
        socket.send(message={})
        assert socket.rest()[-1] == ("close", 1000, "")


@pytest.mark.parametrize("path, origin, status, reason", [
    ("/ws/awkward.v1.Awkward/Gett", "https://shop.example", 404, "unknown_method"),
    ("/ws/awkward.v1.Awkward/Get", "https://shop.example", 426, "upgrade_required"),
    ("/ws/awkward.v1.Awkward/Get", "https://evil.example", 403, "origin_not_allowed"),
    ("/ws/awkward.v1.Awkward/Get", None, 426, "upgrade_required"),
])
def test_a_page_may_ask_by_a_plain_get_what_is_wrong(http, path, origin, status, reason):
    answer = http.get(path, headers={"Origin": origin} if origin else {})
    assert answer.status_code == status and answer.json()["reason"] == reason
    assert answer.headers.get("access-control-allow-origin") == (origin if origin == "https://shop.example" else None)


def test_a_refused_client_may_go_on_with_http(node):
    """The connection is HTTP/1.1 as before."""
    with pytest.raises(Refused) as caught:
        Http1Socket(node.port, PATH, protocol="other")
    assert "close" not in caught.value.headers.get("connection", "")


def test_an_upgrade_elsewhere_is_a_plain_request(node):
    with pytest.raises(Refused) as caught:
        Http1Socket(node.port, "/v1/get/a", protocol=JSON)
    assert caught.value.status == 200 and json.loads(caught.value.body)["request"] == {"name": "a"}


def test_frames_that_come_with_the_handshake(node):
    """A client that does not wait for the 101."""
    import base64
    import os
    import socket as plain

    from sockets import TEXT, masked
    key = base64.b64encode(os.urandom(16)).decode()
    head = (f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{node.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n")
    with plain.create_connection(("127.0.0.1", node.port), 60) as raw:
        raw.sendall(head.encode() + masked(0x80 | TEXT, b'{"message":{"name":"early"}}'))
        got = b""
        while b'"early"' not in got or b'{"status":{"code":"OK"}}' not in got:
            more = raw.recv(65536)
            assert more, f"the connection ended after {got}"
            got += more
