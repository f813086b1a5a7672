"""Clients that break the protocol, do not read, or say nothing: each gets its close code, and nobody else notices."""

import struct
import time

import pytest
from sockets import BINARY, CLOSE, PING, PROTO, TEXT, Http1Socket, masked

CASES = {
    "unmasked": (b"\x81\x02hi", 1002),
    "reserved bit": (masked(0xA1, b"x"), 1002),
    "compressed without agreement": (masked(0xC1, b"x"), 1002),
    "reserved opcode": (masked(0x83, b""), 1002),
    "reserved control opcode": (masked(0x8B, b""), 1002),
    "fragmented ping": (masked(0x09, b""), 1002),
    "long ping": (masked(0x89, b"x" * 126), 1002),
    "continuation of nothing": (masked(0x80, b"x"), 1002),
    "message within a message": (masked(0x01, b"{") + masked(0x81, b"}"), 1002),
    "length not in its shortest form": (b"\x81\xfe\x00\x02\0\0\0\0hi", 1002),
    "bad close code": (masked(0x88, struct.pack(">H", 1005)), 1002),
    "half a close code": (masked(0x88, b"\x03"), 1002),
    "text that is not UTF-8": (masked(0x81, b"\xff"), 1007),
    "text that is not UTF-8, not waited for": (masked(0x81, b"\xed\xa0\x80" + b"x" * 50)[:20], 1007),
    "close reason that is not UTF-8": (masked(0x88, struct.pack(">H", 1000) + b"\xff"), 1007),
}


@pytest.mark.parametrize("bytes_sent, code", CASES.values(), ids=CASES)
def test_broken_protocol(connect, bytes_sent, code):
    socket = connect("Chat")
    socket.write(bytes_sent)
    (close,) = socket.rest()
    assert close[1] == code and close[2]
    assert socket.wait_end()


def test_the_wrong_kind_of_frame(connect):
    for protocol, opcode in [(None, BINARY), (PROTO, TEXT)]:
        socket = connect("Chat", protocol=protocol)
        socket.frame(opcode, b"{}")
        frames = []
        while (frame := socket.receive()) and frame[0] != CLOSE:
            frames.append(frame)
        assert len(frames) == 1 and frame[1][:2] == struct.pack(">H", 1003)


def test_a_message_above_the_limit(new_node, connect):
    node = new_node(limits={"message_bytes": 1000})
    socket = connect("Chat", port=node.port)
    socket.write(masked(0x81, b"x" * 2000)[:20])  # its head is enough
    status, close = socket.rest()
    assert status["status"]["code"] == "RESOURCE_EXHAUSTED" and status["status"]["reason"] == "message_too_large"
    assert close[1] == 1009


def test_a_message_that_inflates_above_the_limit(new_node, connect):
    import zlib
    node = new_node(limits={"message_bytes": 1000})
    socket = connect("Chat", port=node.port, headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
    squeeze = zlib.compressobj(wbits=-15)
    socket.write(masked(0xC1, (squeeze.compress(b" " * 100_000) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]))
    status, close = socket.rest()
    assert close[1] == 1009


def test_a_flood_of_pings_from_a_client_that_does_not_read(new_node):
    node = new_node()
    before = node.rss_kib()
    with Http1Socket(node.port, "/ws/awkward.v1.Awkward/Chat", receive_buffer=4096) as socket:
        socket.socket.settimeout(0.5)
        flood = masked(0x80 | PING, b"x" * 125) * 1000
        try:
            for _ in range(400):
                socket.socket.sendall(flood)
        except (TimeoutError, ConnectionError):
            pass  # it was heard out, or disconnected: it takes no answers, for longer than limits.body_timeout on a machine that is slow
        assert node.rss_kib() - before < node.rss_bound_kib(16)
    assert node.alive()


def test_a_client_that_does_not_read_stops_the_service(new_node, backend):
    """Backpressure end to end: of an endless stream only what fits into bounded buffers is taken from the service."""
    node = new_node()
    before = node.rss_kib()
    with Http1Socket(node.port, "/ws/awkward.v1.Awkward/Ticks", receive_buffer=4096) as socket:
        socket.send(message={"count": 10_000_000, "size": 1000})
        assert socket.next() == {"headers": {}}
        time.sleep(1.5)  # the service would have sent hundreds of MiB
        assert node.rss_kib() - before < node.rss_bound_kib(24)
        first = socket.next()
        assert first["message"]["text"] == "x" * 1000
        for index in range(1, 5000):  # and goes on, without a gap
            assert socket.next()["message"]["index"] == index


# Between pings a client may be so slow to answer as a loaded machine makes it, and the node still believes in it.
PING_TIME = "8s"


def test_silence_is_asked_and_then_taken_for_loss(new_node):
    node = new_node(websocket={"ping": PING_TIME})
    with Http1Socket(node.port, "/ws/awkward.v1.Awkward/Chat") as socket:
        assert socket.receive() == (PING, b"")
        socket.frame(10)  # a pong keeps it alive
        assert socket.receive() == (PING, b"")
        socket.send(message={"text": "so does a message"})
        assert socket.next() == {"headers": {}}
        while (frame := socket.receive()) is not None:  # then nothing more is answered
            assert frame[0] in (PING, TEXT)


def test_a_live_socket_outlives_the_idle_timeouts(new_node, connect):
    # Time-outs that a client which is slow with its handshake, too, does not run into.
    node = new_node(websocket={"ping": PING_TIME}, limits={"idle_timeout": "12s", "body_timeout": "12s", "header_timeout": "12s"})
    socket = connect("Chat", port=node.port)
    until = time.monotonic() + 15
    while time.monotonic() < until:
        got = socket.receive()
        assert got == (PING, b"")
        socket.frame(10)
    socket.send(message={"text": "still here"})
    assert socket.next() == {"headers": {}} and socket.next() == {"message": {"text": "STILL HERE"}}


def test_a_client_that_never_answers_our_close(connect):
    socket = connect("Get")
    socket.send(message={})
    assert socket.rest()[-1] == ("close", 1000, "")
    assert socket.wait_end()


def test_slow_clients_can_be_closed(new_node, quiet):
    node = new_node(websocket={"slow": "close", "buffer": "16KiB"})
    with Http1Socket(node.port, "/ws/awkward.v1.Awkward/Ticks", receive_buffer=4096) as socket:
        before = quiet()["cancelled"]
        began = time.monotonic()
        socket.send(message={"count": 10_000_000, "size": 1000})
        while quiet.counts()["cancelled"] == before:  # the patience is 5 s
            assert time.monotonic() < began + 90
            time.sleep(0.1)
        frames = []
        while (frame := socket.next()) is not None:
            frames = [*frames[-1:], frame]
        if isinstance(frames[-1], tuple):
            assert frames[1][1] == 1008 and frames[0]["status"]["reason"] == "slow_consumer"
        else:  # who does not even come to hear that, for two seconds more, is disconnected
            assert time.monotonic() > began + 7, frames[-1]


def test_a_node_that_stops_says_so(new_node):
    """Over HTTP/1.1: Python's h2 takes no frames after a GOAWAY."""
    node = new_node()
    idle = Http1Socket(node.port, "/ws/awkward.v1.Awkward/Get")
    stream = Http1Socket(node.port, "/ws/awkward.v1.Awkward/Ticks")
    stream.send(message={"count": 1_000_000, "delayMs": 50})
    assert stream.next() == {"headers": {}}
    node.signal(15)
    assert idle.rest()[-1][1] == 1001
    frames = stream.rest()
    assert frames[-1][1] == 1001 and frames[-2]["status"]["code"] == "UNAVAILABLE"
    assert node.process.wait(60) == 0
