"""Malformed gRPC, gRPC-Web and Connect requests, byte by byte."""

import base64
import gzip
import json
import struct
import urllib.parse

import httpx
import pytest
from awkward_fixtures import pb
from peers import DATA, END_STREAM, Client, Closed, frame, grpc_message

INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNIMPLEMENTED, INTERNAL = 3, 4, 8, 12, 13
GET = "/awkward.v1.Awkward/Get"
REQUEST = pb.Everything(name="n").SerializeToString()


@pytest.fixture
def client(node):
    connection = Client(node.port)
    yield connection
    connection.close()


GRPC = [
    ("no message", b"", {UNIMPLEMENTED}),
    ("two messages", grpc_message(REQUEST) * 2, {UNIMPLEMENTED}),
    ("half a prefix", b"\0\0", {INTERNAL, INVALID_ARGUMENT}),
    ("half a message", grpc_message(REQUEST, length=100), {INTERNAL, INVALID_ARGUMENT}),
    ("a message of 4 GiB, announced", grpc_message(REQUEST, length=0xFFFFFFFF), {RESOURCE_EXHAUSTED}),
    ("a message over the limit, announced", grpc_message(REQUEST, length=(4 << 20) + 1), {RESOURCE_EXHAUSTED}),
    ("an unknown flag", grpc_message(REQUEST, flag=4), {INTERNAL, INVALID_ARGUMENT, UNIMPLEMENTED}),
    ("compressed without an encoding", grpc_message(REQUEST, flag=1), {INTERNAL}),
    ("malformed Protobuf", grpc_message(b"\x0a\xff"), {INTERNAL, INVALID_ARGUMENT}),
]


@pytest.mark.parametrize("body, codes", [case[1:] for case in GRPC], ids=[case[0] for case in GRPC])
def test_grpc_framing(client, body, codes):
    reply = client.call(GET, body)
    assert reply.status == 200 and reply.grpc_status in codes, (reply.headers, reply.trailers)
    assert client.call(GET, grpc_message(REQUEST)).grpc_status == 0  # the connection goes on


@pytest.mark.parametrize("body, codes", [
    (grpc_message(b"no gzip", flag=1), {INTERNAL, INVALID_ARGUMENT}), (grpc_message(gzip.compress(REQUEST)[:-5], flag=1), {INTERNAL, INVALID_ARGUMENT}),
    (grpc_message(gzip.compress(b"\0" * (40 << 20)), flag=1), {RESOURCE_EXHAUSTED}), (grpc_message(gzip.compress(REQUEST), flag=1), {0}),
    (grpc_message(b"", flag=1), {0, INTERNAL}),
], ids=["no gzip", "cut off", "a bomb", "good", "an empty one"])
def test_grpc_compression(client, body, codes):
    assert client.call(GET, body, grpc_encoding="gzip").grpc_status in codes


def test_an_unknown_encoding_lists_the_known_ones(client):
    reply = client.call(GET, grpc_message(REQUEST, flag=1), grpc_encoding="lzw")
    assert reply.grpc_status == UNIMPLEMENTED
    assert "gzip" in {**reply.headers, **(reply.trailers or {})}["grpc-accept-encoding"]


@pytest.mark.parametrize("value", ["", "1", "S", "10x", "-1S", "+1S", "1.5S", "123456789S", "1 S", "0x1S", "١S"])
def test_malformed_grpc_timeouts(client, value):
    reply = client.call(GET, grpc_message(REQUEST), grpc_timeout=value)
    assert reply.grpc_status in (INVALID_ARGUMENT, INTERNAL), (reply.headers, reply.trailers)


@pytest.mark.parametrize("value, codes", [("0n", {DEADLINE_EXCEEDED}), ("1n", {DEADLINE_EXCEEDED}), ("99999999H", {0}), ("600S", {0})])
def test_extreme_grpc_timeouts(client, value, codes):
    assert client.call(GET, grpc_message(REQUEST), grpc_timeout=value).grpc_status in codes


@pytest.mark.parametrize("value", ["AP8=", "AP8", "AP8=,AP8"])
def test_binary_metadata_padded_or_not(client, value):
    reply = client.call(GET, grpc_message(REQUEST), x_data_bin=value)
    assert reply.grpc_status == 0
    assert pb.Echoed.FromString(reply.data[5:]).metadata["x-data-bin"].startswith("00ff")


def test_binary_metadata_that_is_no_base64(client):
    assert client.call(GET, grpc_message(REQUEST), x_data_bin="%%%").grpc_status in (INVALID_ARGUMENT, INTERNAL)


@pytest.mark.parametrize("content_type", ["text/plain", "application/grpcx", "", "application/octet-stream"])
def test_a_strange_content_type_is_no_grpc(client, content_type):
    reply = client.call(GET, grpc_message(REQUEST), content_type=content_type)
    assert reply.status == 415, reply.headers


def test_grpc_with_get(client):
    stream = client.open(client.request_fields("GET", GET, content_type="application/grpc", te="trailers"))
    reply = client.wait(stream)
    assert reply.status in (405, 400, 415) or reply.grpc_status not in (0, None)


def test_grpc_over_http1_is_refused_clearly(node):
    answer = httpx.post(f"http://127.0.0.1:{node.port}{GET}", content=grpc_message(REQUEST), headers={"content-type": "application/grpc"})
    assert answer.status_code in (400, 415, 426, 505) or answer.headers.get("grpc-status", "0") != "0"


def test_a_caller_that_resets_while_it_sends(client):
    for _ in range(20):
        stream = client.open(client.request_fields("POST", "/awkward.v1.Awkward/Sum", content_type="application/grpc", te="trailers"), end=False)
        client.send(frame(DATA, 0, stream, grpc_message(b"\x08\x01") * 10))
        client.send(struct.pack(">I", 4)[1:] + bytes([3, 0]) + struct.pack(">II", stream, 8))
    assert client.call(GET, grpc_message(REQUEST)).grpc_status == 0


def test_messages_cut_at_every_byte(node):
    """DATA frames are not messages."""
    client = Client(node.port)
    stream = client.open(client.request_fields("POST", "/awkward.v1.Awkward/Sum", content_type="application/grpc", te="trailers"), end=False)
    body = b"".join(grpc_message(pb.Number(value=n).SerializeToString()) for n in range(20))
    client.send(b"".join(frame(DATA, 0, stream, body[at:at + 1]) for at in range(len(body))) + frame(DATA, END_STREAM, stream))
    reply = client.wait(stream)
    assert pb.Total.FromString(reply.data[5:]).sum == 190


def test_padded_data(client):
    stream = client.open(client.request_fields("POST", GET, content_type="application/grpc", te="trailers"), end=False)
    client.send(frame(DATA, END_STREAM | 8, stream, b"\x40" + grpc_message(REQUEST) + b"\0" * 64))
    assert client.wait(stream).grpc_status == 0


# gRPC-Web.


def web(node, body, content_type="application/grpc-web+proto", **headers):
    return httpx.post(f"http://127.0.0.1:{node.port}{GET}", content=body, headers={"content-type": content_type, **headers})


def web_status(answer):
    """The status of a gRPC-Web answer, in its trailer frame or in its headers."""
    if "grpc-status" in answer.headers:
        return int(answer.headers["grpc-status"])
    body = answer.content
    if "text" in answer.headers["content-type"]:  # four characters at a time: padding can be anywhere
        body = b"".join(base64.b64decode(body[at:at + 4]) for at in range(0, len(body), 4))
    while body[0] != 0x80:
        body = body[5 + struct.unpack(">I", body[1:5])[0]:]
    trailers = dict(line.split(":", 1) for line in body[5:].decode().lower().strip().split("\r\n"))
    return int(trailers["grpc-status"])


@pytest.mark.parametrize("body, codes", [
    (grpc_message(REQUEST), {0}), (b"", {UNIMPLEMENTED}), (grpc_message(REQUEST) * 2, {UNIMPLEMENTED}), (b"\0\0", {INTERNAL, INVALID_ARGUMENT}),
    (grpc_message(REQUEST, length=0xFFFFFFFF), {RESOURCE_EXHAUSTED}), (grpc_message(b"grpc-status: 0\r\n", flag=0x80), {INTERNAL, INVALID_ARGUMENT, UNIMPLEMENTED}),
], ids=["good", "nothing", "two", "half", "huge", "trailers of the caller"])
def test_grpc_web(node, body, codes):
    assert web_status(web(node, body)) in codes


def test_grpc_web_text_takes_padding_in_mid_stream(node):
    message = grpc_message(REQUEST)
    text = b"".join(base64.b64encode(message[at:at + 4]) for at in range(0, len(message), 4))
    assert web_status(web(node, text, "application/grpc-web-text")) == 0


@pytest.mark.parametrize("text", [b"%%%%", b"AAAAA", base64.b64encode(grpc_message(REQUEST))[:-3] + b"=AA"])
def test_grpc_web_text_that_is_no_base64(node, text):
    answer = web(node, text, "application/grpc-web-text")
    assert answer.status_code == 400 or web_status(answer) in (INTERNAL, INVALID_ARGUMENT)


# Connect.


def connect(node, body, content_type="application/json", **headers):
    return httpx.post(f"http://127.0.0.1:{node.port}{GET}", content=body, headers={
        "content-type": content_type, "connect-protocol-version": "1", **{key.replace("_", "-"): value for key, value in headers.items()}})


CONNECT = [
    ("no JSON", b"{", {}, "invalid_argument"), ("no UTF-8", b'{"text": "\xff"}', {}, "invalid_argument"),
    # The bytes go through as they are: the service is the judge.
    ("malformed Protobuf", b"\x0a\xff", {"content_type": "application/proto"}, "invalid_argument"),
    ("another version", b"{}", {"connect_protocol_version": "2"}, "invalid_argument"),
    ("a timeout that is no number", b"{}", {"connect_timeout_ms": "x"}, "invalid_argument"),
    ("a timeout of eleven digits", b"{}", {"connect_timeout_ms": "12345678901"}, "invalid_argument"),
    ("a negative timeout", b"{}", {"connect_timeout_ms": "-1"}, "invalid_argument"),
    ("an unknown encoding", b"{}", {"content_encoding": "lzw"}, "unimplemented"),
    ("compression that is none", b"x", {"content_encoding": "gzip"}, "invalid_argument"),
    ("a bomb", gzip.compress(b" " * (100 << 20)), {"content_encoding": "gzip"}, "resource_exhausted"),
    ("over the limit", b" " * (5 << 20), {}, "resource_exhausted"),
]


@pytest.mark.parametrize("body, headers, code", [case[1:] for case in CONNECT], ids=[case[0] for case in CONNECT])
def test_connect_unary(node, body, headers, code):
    answer = connect(node, body, **headers)
    assert answer.status_code >= 400 and answer.json()["code"] == code, answer.text


def test_connect_clients_that_know_more_fields_are_understood(node):
    """As connect-go has it; REST is strict."""
    assert connect(node, b'{"name": "n", "nosuch": 1}').json()["request"]["name"] == "n"


def test_connect_timeout_of_zero_and_of_ten_digits(node):
    assert connect(node, b"{}", connect_timeout_ms="0").json()["code"] == "deadline_exceeded"
    assert connect(node, b"{}", connect_timeout_ms="9999999999").status_code == 200


GETS = [
    ("JSON", {"encoding": "json", "message": '{"name":"n"}', "connect": "v1"}, 200), ("Protobuf in base64", {
        "encoding": "proto", "base64": "1", "message": base64.urlsafe_b64encode(REQUEST).decode(), "connect": "v1"}, 200),
    ("base64 without padding", {"encoding": "proto", "base64": "1", "message": base64.urlsafe_b64encode(REQUEST).decode().rstrip("="), "connect": "v1"}, 200),
    ("gzip", {"encoding": "json", "base64": "1", "compression": "gzip", "message": base64.urlsafe_b64encode(gzip.compress(b'{"name":"n"}')).decode(), "connect": "v1"}, 200),
    ("no base64", {"encoding": "proto", "base64": "1", "message": "%%", "connect": "v1"}, 400),
    ("no message", {"encoding": "json", "connect": "v1"}, 400), ("no encoding", {"message": "{}", "connect": "v1"}, 400),
    ("an unknown encoding", {"encoding": "xml", "message": "<a/>", "connect": "v1"}, 415),
    ("an unknown compression", {"encoding": "json", "compression": "lzw", "message": "{}", "connect": "v1"}, 501),
    ("another version", {"encoding": "json", "message": "{}", "connect": "v9"}, 400), ("bad JSON", {"encoding": "json", "message": "{", "connect": "v1"}, 400),
]


@pytest.mark.parametrize("query, status", [case[1:] for case in GETS], ids=[case[0] for case in GETS])
def test_connect_get(node, query, status):
    answer = httpx.get(f"http://127.0.0.1:{node.port}{GET}?{urllib.parse.urlencode(query)}")
    assert answer.status_code == status, answer.text


def test_connect_get_only_where_nothing_changes(node):
    answer = httpx.get(f"http://127.0.0.1:{node.port}/awkward.v1.Awkward/Post?encoding=json&message=%7B%7D&connect=v1")
    assert answer.status_code == 405 and "POST" in answer.headers["allow"]


def stream(node, body, rpc="Sum", content_type="application/connect+json", **headers):
    """The end-of-stream message of a Connect stream."""
    answer = httpx.post(f"http://127.0.0.1:{node.port}/awkward.v1.Awkward/{rpc}", content=body, headers={
        "content-type": content_type, "connect-protocol-version": "1", **headers})
    assert answer.status_code == 200, answer.text
    rest = answer.content
    while rest[0] & 2 == 0:
        rest = rest[5 + struct.unpack(">I", rest[1:5])[0]:]
    return json.loads(rest[5:])


STREAMS = [
    ("good", grpc_message(b'{"value":1}') * 3, None), ("nothing", b"", None), ("half a prefix", b"\0\0", {"invalid_argument", "internal"}),
    ("half a message", grpc_message(b"{}", length=10), {"invalid_argument", "internal"}), ("huge", grpc_message(b"{}", length=0xFFFFFFFF), {"resource_exhausted"}),
    ("bad JSON", grpc_message(b"{"), {"invalid_argument"}), ("compressed without an encoding", grpc_message(b"{}", flag=1), {"internal"}),
]


@pytest.mark.parametrize("body, codes", [case[1:] for case in STREAMS], ids=[case[0] for case in STREAMS])
def test_connect_streams(node, body, codes):
    end = stream(node, body)
    assert end.get("error", {}).get("code") in (codes or {None}), end


def test_the_end_of_the_test_connections(node):
    """A caller that closes in mid-message leaves nothing behind."""
    client = Client(node.port)
    opened = client.open(client.request_fields("POST", "/awkward.v1.Awkward/Chat", content_type="application/grpc", te="trailers"), end=False)
    client.send(frame(DATA, 0, opened, grpc_message(b"\x0a\x01a") + b"\0\0"))
    client.close()
    with pytest.raises((Closed, OSError)):
        client.read_frame()
