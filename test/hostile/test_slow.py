"""Peers that take their time: each wait has a bound. It is 1 s here, and 10 s and more where nobody says anything: SOON is in between."""

import socket
import time

import grpc
import pytest
from awkward_fixtures import pb_grpc
from google.protobuf import empty_pb2
from peers import DATA, END_HEADERS, Client, Closed, frame, settings

SOON = 9
LIMITS = {"header_timeout": "1s", "idle_timeout": "1s", "body_timeout": "1s"}
TRIES = 8


@pytest.fixture(scope="module")
def hurried(backend):
    import parley_node
    import suite
    from awkward_fixtures import BINARY

    with parley_node.Parley(BINARY, suite.awkward_config(backend.port, limits=LIMITS)) as node:
        yield node


def census(backend):
    """The service's own count of calls: those at work, and those that it was told to give up."""
    with grpc.insecure_channel(f"127.0.0.1:{backend.port}") as channel:
        return pb_grpc.AwkwardStub(channel).Census(empty_pb2.Empty(), timeout=60)


def wait_until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def closed_after(peer, seconds=60):
    """How long until the peer closed, and what it said."""
    started, answer = time.monotonic(), b""
    peer.settimeout(seconds)
    try:
        while part := peer.recv(65536):
            answer += part
    except ConnectionError:
        pass
    return time.monotonic() - started, answer


def soon(attempt):
    """Makes attempts until one took less than SOON. Who measures may stand still for seconds himself, which makes a bound that is kept look late; nothing
    makes one that is not kept look early."""
    took = []
    for _ in range(TRIES):
        started = time.monotonic()
        attempt()
        took.append(time.monotonic() - started)
        if took[-1] < SOON:
            return
    raise AssertionError(f"never soon: {took}")


def quickly(begin, close):
    """What begin() returns, made less than a second after it began. Whoever takes longer for connecting and asking meets the bounds that are tested here,
    and may find the connection closed."""
    for _ in range(TRIES):
        started, made = time.monotonic(), None
        try:
            made = begin()
        except (Closed, ConnectionError):
            if time.monotonic() - started < 1:
                raise
        if time.monotonic() - started < 1:
            return made
        if made is not None:
            close(made)
    raise AssertionError("this machine takes a second for everything")


def ask(node, request):
    """A connection on which `request` was sent."""
    def begin():
        peer = socket.create_connection(("127.0.0.1", node.port), 60)
        peer.sendall(request)
        return peer

    return quickly(begin, socket.socket.close)


def ask_http2(node, first, *requests):
    """An HTTP/2 connection with that first frame, its streams opened with those fields (None: a plain GET)."""
    def begin():
        client = Client(node.port, first)
        for fields in requests:
            client.open(fields and client.request_fields(**fields))
        return client

    return quickly(begin, Client.close)


@pytest.mark.parametrize("sent", [b"", b"GET /v1", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\n", b"PRI * HTTP/2.0\r\n"],
                         ids=["nothing", "half a line", "half a head", "half a preface"])
def test_a_head_that_does_not_come(hurried, sent):
    def attempt():
        with socket.create_connection(("127.0.0.1", hurried.port), 60) as peer:
            peer.sendall(sent)
            answer = closed_after(peer)[1]
        assert not answer or b" 408 " in answer.split(b"\r\n")[0] or not answer.startswith(b"HTTP/1.1")

    soon(attempt)


def test_a_head_that_drips(hurried):
    """Each byte is in time, the whole is not."""
    def attempt():
        end = time.monotonic() + 60
        with socket.create_connection(("127.0.0.1", hurried.port), 60) as peer, pytest.raises(OSError):
            peer.sendall(b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\n")
            while time.monotonic() < end:
                peer.sendall(b"x-a: b\r\n")
                time.sleep(0.2)

    soon(attempt)


def test_a_body_that_does_not_come(hurried):
    def attempt():
        with socket.create_connection(("127.0.0.1", hurried.port), 60) as peer:
            peer.sendall(b"POST /v1/post HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{")
            assert b" 200 " not in closed_after(peer)[1]

    soon(attempt)


def test_an_http2_body_that_does_not_come(hurried):
    # Without a length it could be a conversation, where silence is no fault.
    client = Client(hurried.port)
    try:
        stream = client.open(client.request_fields("POST", "/v1/post", content_type="application/json", content_length="10"), end=False)
        client.send(frame(DATA, 0, stream, b"{"))
        reply = client.wait(stream)
        assert reply.reset is not None or reply.status >= 400
    except Closed:
        pass


def test_an_answer_that_is_not_read(hurried, backend):
    """The reader stops reading; its connection is given up, and the call behind it cancelled."""
    wait_until(lambda: census(backend).running == 0, "calls of other tests go on")
    before = census(backend).cancelled
    with ask(hurried, b"GET /v1/ticks?count=1000&size=100000 HTTP/1.1\r\nhost: x\r\n\r\n") as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert peer.recv(1) == b"H"  # the service is at it

        def given_up():  # both, for calls of other tests may be counted late
            now = census(backend)
            return now.cancelled > before and now.running == 0

        wait_until(given_up, "nobody gave up")
        received = 0
        try:
            while part := peer.recv(65536):
                received += len(part)
        except ConnectionError:
            pass
    assert received < 50_000_000, "the whole answer came: nobody gave up"


def test_idle_connections_are_closed(hurried):
    began = time.monotonic()
    with ask(hurried, b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\n\r\n") as peer:
        answer = closed_after(peer)[1]
    assert b" 200 " in answer and 0.5 < time.monotonic() - began < 100  # 120 s where nobody says anything


def test_an_idle_http2_connection_is_told_goodbye(hurried):
    client = ask_http2(hurried, None, None)
    assert client.wait(1).status == 200
    assert client.read_until_closed() == 0  # GOAWAY, NO_ERROR


def test_a_slow_call_is_no_idle_connection(hurried):
    with ask(hurried, b"GET /v1/sleep/3000 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") as peer:
        assert b" 200 " in closed_after(peer)[1]


def test_a_stream_that_is_slow_at_the_backend_is_not_cut(hurried):
    with ask(hurried, b"GET /v1/ticks?count=3&delayMs=1500&size=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n") as peer:
        answer = closed_after(peer)[1]
    assert answer.count(b'"text":"x"') == 3


def test_a_tls_handshake_that_stops(new_node, tmp_path):
    import suite

    certificate, key = suite.self_signed(str(tmp_path))
    node = new_node(tls={"cert": certificate, "key": key}, limits=LIMITS)
    for sent in (b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"):
        def attempt(sent=sent):
            with socket.create_connection(("127.0.0.1", node.port), 60) as peer:
                peer.sendall(sent)
                closed_after(peer)

        soon(attempt)


def test_zero_windows_hold_no_memory(new_node):
    """Streams whose replies may not be sent: Parley takes little from the backend and gives up in time."""
    node = new_node(limits=LIMITS)
    before = node.rss_kib()
    ticks = {"path": "/v1/ticks?count=1000&size=100000"}
    clients = [ask_http2(node, settings(_4=0), *[ticks] * 50) for _ in range(4)]
    time.sleep(1)
    assert node.rss_kib() - before < node.rss_bound_kib(150)
    for client in clients:
        try:
            client.read_until_closed()
        except TimeoutError:
            assert all(reply.ended for stream, reply in client.replies.items() if stream), "streams were not given up"
        client.close()
    assert END_HEADERS
