"""Peers that take their time: each wait has a bound. It is 1 s here, and 10 s and more where nobody says anything: SOON is in between."""

import socket
import time

import httpx
import pytest
from peers import DATA, END_HEADERS, Client, Closed, frame

SOON = 9
LIMITS = {"header_timeout": "1s", "idle_timeout": "1s", "body_timeout": "1s"}


@pytest.fixture(scope="module")
def hurried(backend):
    import parley_node
    import suite
    from awkward_fixtures import BINARY

    with parley_node.Parley(BINARY, suite.awkward_config(backend.port, limits=LIMITS)) as node:
        yield node


def cancelled(node):
    """How many calls the service was told to give up."""
    return httpx.get(f"http://127.0.0.1:{node.port}/v1/census", trust_env=False).json().get("cancelled", 0)


def closed_after(peer, seconds=30):
    """How long until the peer closed, and what it said."""
    started, answer = time.monotonic(), b""
    peer.settimeout(seconds)
    try:
        while part := peer.recv(65536):
            answer += part
    except ConnectionError:
        pass
    return time.monotonic() - started, answer


@pytest.mark.parametrize("sent", [b"", b"GET /v1", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\n", b"PRI * HTTP/2.0\r\n"],
                         ids=["nothing", "half a line", "half a head", "half a preface"])
def test_a_head_that_does_not_come(hurried, sent):
    with socket.create_connection(("127.0.0.1", hurried.port), 30) as peer:
        peer.sendall(sent)
        seconds, answer = closed_after(peer)
    assert seconds < SOON
    assert not answer or b" 408 " in answer.split(b"\r\n")[0] or not answer.startswith(b"HTTP/1.1")


def test_a_head_that_drips(hurried):
    """Each byte is in time, the whole is not."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", hurried.port), 30) as peer, pytest.raises(OSError):
        peer.sendall(b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\n")
        while time.monotonic() - started < 30:
            peer.sendall(b"x-a: b\r\n")
            time.sleep(0.2)
    assert time.monotonic() - started < SOON


def test_a_body_that_does_not_come(hurried):
    with socket.create_connection(("127.0.0.1", hurried.port), 30) as peer:
        peer.sendall(b"POST /v1/post HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{")
        seconds, answer = closed_after(peer)
    assert seconds < SOON and b" 200 " not in answer


def test_an_http2_body_that_does_not_come(hurried):
    # Without a length it could be a conversation, where silence is no fault.
    client = Client(hurried.port)
    stream = client.open(client.request_fields("POST", "/v1/post", content_type="application/json", content_length="10"), end=False)
    client.send(frame(DATA, 0, stream, b"{"))
    try:
        reply = client.wait(stream, 30)
        assert reply.reset is not None or reply.status >= 400
    except Closed:
        pass


def test_an_answer_that_is_not_read(hurried):
    """The reader stops reading; its connection is given up, and the call behind it cancelled."""
    with socket.create_connection(("127.0.0.1", hurried.port), 30) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        before = cancelled(hurried)
        peer.sendall(b"GET /v1/ticks?count=1000&size=100000 HTTP/1.1\r\nhost: x\r\n\r\n")
        end = time.monotonic() + 60
        while cancelled(hurried) == before:
            assert time.monotonic() < end, "nobody gave up"
            time.sleep(0.1)
        received = 0
        try:
            peer.settimeout(30)
            while part := peer.recv(65536):
                received += len(part)
        except ConnectionError:
            pass
    assert received < 50_000_000, "the whole answer came: nobody gave up"


def test_idle_connections_are_closed(hurried):
    with socket.create_connection(("127.0.0.1", hurried.port), 30) as peer:
        began = time.monotonic()
        peer.sendall(b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\n\r\n")
        _, answer = closed_after(peer)
        seconds = time.monotonic() - began
    assert b" 200 " in answer and 0.5 < seconds < 30


def test_an_idle_http2_connection_is_told_goodbye(hurried):
    client = Client(hurried.port)
    assert client.wait(client.open()).status == 200
    assert client.read_until_closed() == 0  # GOAWAY, NO_ERROR


def test_a_slow_call_is_no_idle_connection(hurried):
    with socket.create_connection(("127.0.0.1", hurried.port), 30) as peer:
        peer.sendall(b"GET /v1/sleep/3000 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        assert b" 200 " in closed_after(peer)[1]


def test_a_stream_that_is_slow_at_the_backend_is_not_cut(hurried):
    with socket.create_connection(("127.0.0.1", hurried.port), 30) as peer:
        peer.sendall(b"GET /v1/ticks?count=3&delayMs=1500&size=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = closed_after(peer)[1]
    assert answer.count(b'"text":"x"') == 3


def test_a_tls_handshake_that_stops(new_node, tmp_path):
    import suite

    certificate, key = suite.self_signed(str(tmp_path))
    node = new_node(tls={"cert": certificate, "key": key}, limits=LIMITS)
    for sent in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", node.port), 30) as peer:
            peer.sendall(sent)
            assert closed_after(peer)[0] < SOON


def test_zero_windows_hold_no_memory(new_node):
    """Streams whose replies may not be sent: Parley takes little from the backend and gives up in time."""
    from peers import settings

    node = new_node(limits=LIMITS)
    before = node.rss_kib()
    clients = [Client(node.port, settings(_4=0)) for _ in range(4)]
    for client in clients:
        for _ in range(50):
            client.open(client.request_fields(path="/v1/ticks?count=1000&size=100000"))
    time.sleep(1)
    assert node.rss_kib() - before < 150 * 1024
    for client in clients:
        try:
            client.read_until_closed(20)
        except TimeoutError:
            assert all(reply.ended for stream, reply in client.replies.items() if stream), "streams were not given up"
        client.close()
    assert END_HEADERS
