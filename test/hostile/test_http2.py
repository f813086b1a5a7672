"""HTTP/2 peers that flood or break rules (RFC 9113 sections 5, 6, 8, 10.5): each flood is cut off, memory stays bounded."""

import struct
import time

import hpack
import pytest
from peers import (ACK, CANCEL, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, PING, PRIORITY, SETTINGS, Client,
                   Closed, frame, goaway, rst, settings, window)


def flood(client, make, count):
    """Sends make(n) for n in range(count), reading nothing; true if the peer cut it off."""
    try:
        for n in range(count):
            client.send(make(n))
        client.read_until_closed()
        return True
    except Closed:
        return True
    except TimeoutError:
        return False


def test_rapid_reset_is_cut_off(node):
    """CVE-2023-44487: requests that are cancelled at once."""
    before = node.rss_kib()
    client = Client(node.port)

    def one(n):
        stream = 2 * n + 1
        return client.headers(stream, client.request_fields(), END_HEADERS | END_STREAM) + rst(stream, CANCEL)

    assert flood(client, one, 20_000), "20,000 resets were taken"
    assert client.gone in (ENHANCE_YOUR_CALM, None)
    assert node.rss_kib() - before < node.rss_bound_kib(32)


def test_induced_resets_are_cut_off(node):
    """CVE-2025-8671: the client makes the server reset, here by a window that overflows."""
    client = Client(node.port)

    def one(n):
        stream = 2 * n + 1
        return (client.headers(stream, client.request_fields(path="/v1/sleep/5000"), END_HEADERS | END_STREAM) +
                window(stream, 0x7FFFFFFF) + window(stream, 0x7FFFFFFF))

    assert flood(client, one, 20_000), "20,000 induced resets were taken"


def test_a_continuation_flood_is_cut_off(node):
    """CVE-2024-27316: a header block that never ends."""
    before = node.rss_kib()
    client = Client(node.port)
    client.send(frame(HEADERS, END_STREAM, 1, client.encoder.encode(client.request_fields())))
    block = hpack.Encoder().encode([("x-flood", "a" * 8000)], huffman=False)
    assert flood(client, lambda n: frame(CONTINUATION, 0, 1, block), 5000)
    assert node.rss_kib() - before < node.rss_bound_kib(16)


def test_empty_continuations_are_cut_off(node):
    client = Client(node.port)
    client.send(frame(HEADERS, END_STREAM, 1, client.encoder.encode(client.request_fields())))
    assert flood(client, lambda n: frame(CONTINUATION, 0, 1) * 100, 2000)


FLOODS = [
    ("PING", lambda n: frame(PING, 0, 0, struct.pack(">Q", n)) * 10),
    ("SETTINGS", lambda n: settings() * 10),
    ("empty DATA", lambda n: frame(DATA, 0, 1) * 10),
    ("PRIORITY", lambda n: frame(PRIORITY, 0, 3, struct.pack(">IB", 0, 1)) * 10),
    ("acknowledgements of nothing", lambda n: frame(SETTINGS, ACK, 0) * 10),
    ("window updates of one", lambda n: window(0, 1) * 10),
    ("frames of unknown types", lambda n: frame(0xBE, 0, 0, b"x") * 10),
]


@pytest.mark.parametrize("make", [case[1] for case in FLOODS], ids=[case[0] for case in FLOODS])
def test_floods_of_small_frames_are_cut_off_or_harmless(node, make):
    """Whether Parley ends the connection or ignores the frames, memory does not grow and others are served meanwhile."""
    before = node.rss_kib()
    client = Client(node.port, polite=False)
    client.open(client.request_fields("POST", "/v1/post", content_type="application/json"), end=False)
    client.sock.settimeout(60)
    try:
        for n in range(10_000):
            client.send(make(n))
    except (Closed, TimeoutError):
        pass
    other = Client(node.port)
    assert other.wait(other.open()).status == 200
    client.close()
    assert node.rss_kib() - before < node.rss_bound_kib(16)


@pytest.mark.parametrize("make", [FLOODS[0][1], FLOODS[1][1]], ids=["PING", "SETTINGS"])
def test_floods_that_ask_for_answers_are_cut_off(node, make):
    client = Client(node.port, polite=False)
    client.sock.settimeout(60)
    with pytest.raises((Closed, TimeoutError)) as ended:
        for n in range(20_000):
            client.send(make(n))
        client.read_until_closed()
        raise Closed("read to its end")
    assert ended.type is Closed


def test_a_header_list_over_the_limit(node):
    client = Client(node.port)
    fields = client.request_fields() + [(f"x-{n}", "v" * 1000) for n in range(200)]
    block = client.encoder.encode(fields)
    parts = [block[at:at + 16000] for at in range(0, len(block), 16000)]
    client.send(frame(HEADERS, END_STREAM, 1, parts[0]) + b"".join(
        frame(CONTINUATION, END_HEADERS if part is parts[-1] else 0, 1, part) for part in parts[1:]))
    try:
        reply = client.wait(1)
        assert reply.status == 431 or reply.reset is not None
    except Closed:
        pass


def test_an_hpack_bomb(node):
    """A large entry in the dynamic table, named thousands of times by one byte each."""
    before = node.rss_kib()
    client = Client(node.port)
    base = client.encoder.encode(client.request_fields())
    # Literal with incremental indexing, new name, then index 62: the newest entry.
    entry = b"\x40" + b"\x01x" + b"\x7f" + b"\xa1\x1e" + b"y" * (0x7F + 0xF21)
    assert len(entry) < 4096 + 32
    block = base + entry + b"\xbe" * 12_000
    client.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block))
    try:
        reply = client.wait(1)
        assert reply.status in (400, 431) or reply.reset is not None
    except Closed:
        pass
    assert node.rss_kib() - before < node.rss_bound_kib(16)


MALFORMED = [
    ("an upper-case name", [("X-Upper", "a")]), ("connection", [("connection", "close")]), ("transfer-encoding", [("transfer-encoding", "chunked")]),
    ("te other than trailers", [("te", "gzip")]), ("a pseudo-header late", [(":path", "/v1/get/y")]), ("an unknown pseudo-header", [(":x", "a")]),
    ("a line break in a value", [("x-a", "b\r\nc: d")]), ("NUL in a value", [("x-a", "b\0")]), ("a space in a name", [("x a", "b")]),
    ("an empty name", [("", "b")]), ("a length that is not the body's", [("content-length", "5")]), ("two lengths", [("content-length", "0"), ("content-length", "1")]),
]


@pytest.mark.parametrize("extra", [case[1] for case in MALFORMED], ids=[case[0] for case in MALFORMED])
def test_malformed_heads_are_no_requests(node, extra):
    client = Client(node.port)
    stream = client.open(client.request_fields() + extra)
    try:
        reply = client.wait(stream)
        assert reply.reset is not None or reply.status == 400, reply.headers
    except Closed:
        pass


PSEUDO = [
    ("no method", [(":scheme", "http"), (":path", "/v1/get/x"), (":authority", "a")]),
    ("no path", [(":method", "GET"), (":scheme", "http"), (":authority", "a")]),
    ("no scheme", [(":method", "GET"), (":path", "/v1/get/x"), (":authority", "a")]),
    ("an empty path", [(":method", "GET"), (":scheme", "http"), (":path", ""), (":authority", "a")]),
    ("no host at all", [(":method", "GET"), (":scheme", "http"), (":path", "/v1/get/x")]),
    ("host that disagrees with :authority", [(":method", "GET"), (":scheme", "http"), (":path", "/v1/get/x"), (":authority", "a"), ("host", "b")]),
    ("a relative path", [(":method", "GET"), (":scheme", "http"), (":path", "v1/get/x"), (":authority", "a")]),
]


@pytest.mark.parametrize("fields", [case[1] for case in PSEUDO], ids=[case[0] for case in PSEUDO])
def test_heads_that_are_incomplete(node, fields):
    client = Client(node.port)
    stream = client.open(fields)
    try:
        reply = client.wait(stream)
        assert reply.reset is not None or reply.status in (400, 404, 421), reply.headers
    except Closed:
        pass


def test_more_streams_than_allowed_are_refused(new_node):
    node = new_node(limits={"concurrent_streams": 10})
    client = Client(node.port)
    streams = [client.open(client.request_fields(path="/v1/sleep/500")) for _ in range(15)]
    replies = [client.wait(stream) for stream in streams]
    assert sum(reply.status == 200 for reply in replies) >= 10
    assert all(reply.reset == 7 for reply in replies if reply.status is None)  # REFUSED_STREAM


def test_a_client_that_says_goodbye_gets_its_answers(node):
    client = Client(node.port)
    stream = client.open(client.request_fields(path="/v1/sleep/300"))
    client.send(goaway(0, 0))
    assert client.wait(stream).status == 200


def test_a_broken_hpack_block_ends_the_connection(node):
    client = Client(node.port)
    client.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
    assert client.read_until_closed() == 9  # COMPRESSION_ERROR


def test_data_after_the_end(node):
    client = Client(node.port)
    stream = client.open(client.request_fields(path="/v1/sleep/300"))
    client.send(frame(DATA, END_STREAM, stream, b"late"))
    try:
        client.wait(stream)
    except Closed:
        pass


def test_callers_that_vanish_with_many_streams_open(node):
    for _ in range(20):
        client = Client(node.port)
        for _ in range(50):
            client.open(client.request_fields(path="/v1/ticks?count=100&delayMs=20&size=1000"))
        client.close()
    deadline = time.monotonic() + 60
    import httpx

    while httpx.get(f"http://127.0.0.1:{node.port}/v1/census").json().get("running", 0) > 0:
        assert time.monotonic() < deadline, "calls go on for callers that are gone"
        time.sleep(0.2)
