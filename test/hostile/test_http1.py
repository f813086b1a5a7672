"""Malformed HTTP/1.1 (RFC 9110, 9112): refused with a status or a closed connection, and never taken for two requests."""

import re
import socket
import struct
import time

import pytest


def exchange(port, data, end=False, seconds=60):
    """Sends bytes and reads until the peer closes, or until an answer's body is whole."""
    with socket.create_connection(("127.0.0.1", port), seconds) as peer:
        try:
            peer.sendall(data)
            if end:
                peer.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # refused before all was sent
        answer = b""
        try:
            while part := peer.recv(65536):
                answer += part
        except ConnectionError:
            pass
        except TimeoutError:
            return answer, False
    return answer, True


HEAD = b"POST /v1/post HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
BAD = [
    ("content-length and transfer-encoding", HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("transfer-encoding and content-length", HEAD + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n"),
    ("two lengths that differ", HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{} "),
    ("a list of lengths that differ", HEAD + b"content-length: 2, 3\r\n\r\n{} "),
    ("a signed length", HEAD + b"content-length: +2\r\n\r\n{}"),
    ("a negative length", HEAD + b"content-length: -1\r\n\r\n{}"),
    ("a hexadecimal length", HEAD + b"content-length: 0x2\r\n\r\n{}"),
    ("a length beyond 64 bits", HEAD + b"content-length: 18446744073709551618\r\n\r\n{}"),
    ("an empty length", HEAD + b"content-length: \r\n\r\n{}"),
    ("an unknown transfer coding", HEAD + b"transfer-encoding: lzw\r\n\r\n"),
    ("chunked that is not last", HEAD + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    ("a coding that only looks like chunked", HEAD + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("transfer-encoding in HTTP/1.0", HEAD.replace(b"1.1", b"1.0") + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("a folded line", HEAD + b"x-a: b\r\n c\r\n\r\n"),
    ("a folded first line", b"GET /v1/get/x HTTP/1.1\r\n host: x\r\n\r\n"),
    ("bare LF", b"GET /v1/get/x HTTP/1.1\nhost: x\n\n"),
    ("bare LF after a header", b"GET /v1/get/x HTTP/1.1\r\nhost: x\nx-a: b\r\n\r\n"),
    ("bare CR in a value", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\nx-a: b\rc\r\n\r\n"),
    ("NUL in a value", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\nx-a: b\0c\r\n\r\n"),
    ("a space before the colon", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\nx-a : b\r\n\r\n"),
    ("a space in a name", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\nx a: b\r\n\r\n"),
    ("an empty name", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\n: b\r\n\r\n"),
    ("no colon", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\nxyz\r\n\r\n"),
    ("no host", b"GET /v1/get/x HTTP/1.1\r\n\r\n"),
    ("two hosts", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n"),
    ("a host with a path", b"GET /v1/get/x HTTP/1.1\r\nhost: x/y\r\n\r\n"),
    ("a space in the target", b"GET /v1/get/x y HTTP/1.1\r\nhost: x\r\n\r\n"),
    ("a control character in the target", b"GET /v1/get/\x01 HTTP/1.1\r\nhost: x\r\n\r\n"),
    ("no target", b"GET  HTTP/1.1\r\nhost: x\r\n\r\n"),
    ("no version", b"GET /v1/get/x\r\nhost: x\r\n\r\n"),
    ("a version of the future", b"GET /v1/get/x HTTP/3.0\r\nhost: x\r\n\r\n"),
    ("a version that is none", b"GET /v1/get/x HTTQ/1.1\r\nhost: x\r\n\r\n"),
    ("a method that is no token", b"G@T /v1/get/x HTTP/1.1\r\nhost: x\r\n\r\n"),
    ("a chunk size that is no number", HEAD + b"transfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"),
    ("a chunk size beyond 64 bits", HEAD + b"transfer-encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n"),
    ("a negative chunk size", HEAD + b"transfer-encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n"),
    ("a chunk longer than it says", HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n"),
    ("CONNECT", b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n"),
    ("TLS on the plain port", b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + bytes(range(200))),
    ("rubbish", bytes(range(255, 0, -1)) * 4),
    ("a broken HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"),
]


@pytest.mark.parametrize("data", [case[1] for case in BAD], ids=[case[0] for case in BAD])
def test_malformed_requests_end_the_connection(node, data):
    # A request behind the bad one must not be answered: that would be request smuggling.
    answer, closed = exchange(node.port, data + b"GET /v1/get/smuggled HTTP/1.1\r\nhost: x\r\n\r\n")
    assert closed, "the connection stayed open"
    assert b"smuggled" not in answer
    assert not answer or answer.split(b" ")[1][:1] in (b"4", b"5"), answer[:200]
    assert len(re.findall(rb"(?m)^HTTP/1\.1 \d", answer)) <= 1


@pytest.mark.parametrize("head, status", [
    (b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\nx-big: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
    (b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\n" + b"".join(b"x-%d: a\r\n" % n for n in range(10_000)) + b"\r\n", b"431"),
    (b"GET /v1/get/" + b"x" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", b"414"),
], ids=["one large header", "many headers", "a long target"])
def test_too_much_of_it(node, head, status):
    answer, closed = exchange(node.port, head)
    assert closed and answer.startswith(b"HTTP/1.1 " + status), answer[:200]


def test_an_endless_header_costs_no_memory(node):
    before = node.rss_kib()
    with socket.create_connection(("127.0.0.1", node.port), 60) as peer:
        peer.sendall(b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\nx-big: ")
        with pytest.raises(OSError):
            for _ in range(2000):
                peer.sendall(b"a" * 65536)
    assert node.rss_kib() - before < node.rss_bound_kib(16)


def test_a_large_chunk_extension_is_bounded(node):
    answer, closed = exchange(node.port, HEAD + b"transfer-encoding: chunked\r\n\r\n1;x=" + b"y" * 1_000_000)
    assert closed and (not answer or answer.split(b" ")[1][:1] == b"4")


def test_endless_trailers_are_bounded(node):
    data = HEAD + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + b"".join(b"x-%d: %s\r\n" % (n, b"a" * 1000) for n in range(2000))
    answer, closed = exchange(node.port, data)
    assert closed


@pytest.mark.parametrize("data", [
    b"GET /v1/get", b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\n", HEAD + b"content-length: 100\r\n\r\n{", HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n{",
], ids=["in the first line", "in the headers", "in the body", "in a chunk"])
def test_a_request_that_ends_early(node, data):
    answer, closed = exchange(node.port, data, end=True)
    assert closed and b" 200 " not in answer


def test_a_caller_that_resets_in_mid_request(node):
    for _ in range(50):
        peer = socket.create_connection(("127.0.0.1", node.port), 60)
        peer.sendall(HEAD + b"content-length: 1000\r\n\r\n{")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()


def test_thousands_of_connections_that_say_nothing(new_node):
    """Beyond the limit new ones are closed, and those who were there are served. Connections do not add up after they ended."""
    node = new_node(limits={"connections": 200}, shards=1)
    files = node.open_files()
    silent = [socket.create_connection(("127.0.0.1", node.port), 60) for _ in range(300)]
    assert node.open_files() <= files + 220
    for peer in silent:
        peer.close()
    deadline = time.monotonic() + 60
    while not exchange(node.port, b"GET /v1/get/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")[0].startswith(b"HTTP/1.1 200"):
        assert time.monotonic() < deadline, "places of connections that ended are not free again"
