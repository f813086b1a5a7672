"""An rpc of each kind over a socket: the frames of docs/formats/websocket.md, in their order."""

import time

import pytest
from awkward_fixtures import pb
from sockets import BINARY, CLOSE, JSON, PING, PONG, PROTO, TEXT

OK = {"status": {"code": "OK"}}
END = ("close", 1000, "")


def eventually(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "did not come true"
        time.sleep(0.02)


def test_unary(connect):
    socket = connect("Get")
    socket.send(message={"name": "a", "i64": "7"})
    headers, message, status, close = socket.rest()
    assert list(headers) == ["headers"]
    assert message["message"]["rpc"] == "Get"
    assert message["message"]["request"] == {"name": "a", "i64": "7"}
    assert status == OK and close == END
    socket.close()
    assert socket.wait_end()


def test_unary_with_metadata_and_deadline(connect):
    socket = connect("Get", headers={"X-From-Handshake": "h", "X-Both": "handshake"})
    socket.send(start={"metadata": {"X-Answer-With": "yes", "X-Both": "start", "x-raw-bin": "AP8"}, "timeout": "600s"})
    socket.send(message={})
    headers, message, status, _ = socket.rest()
    got = message["message"]["metadata"]
    assert got["x-from-handshake"] == "h" and got["x-both"] == "start" and got["x-raw-bin"] == "00ff"
    assert 500_000 < int(message["message"]["remainingMs"]) <= 600_000
    assert not any(name.startswith("sec-") for name in got)
    assert headers["headers"]["metadata"]["x-answer"] == "yes"
    assert headers["headers"]["metadata"]["x-answer-bin"] == "AP9iaW4"
    assert status["status"]["trailers"]["x-trailer"] == "yes"


def test_server_stream(connect):
    socket = connect("Ticks")
    socket.send(message={"count": 3})
    assert socket.rest() == [{"headers": {}}, {"message": {}}, {"message": {"index": 1}}, {"message": {"index": 2}}, OK, END]


def test_server_stream_that_fails_midway(connect):
    socket = connect("Ticks")
    socket.send(message={"count": 1, "code": 8, "message": "too much"})
    headers, message, status, close = socket.rest()
    assert message == {"message": {}}
    assert status["status"]["code"] == "RESOURCE_EXHAUSTED" and status["status"]["message"] == "too much"
    assert close == ("close", 4008, "RESOURCE_EXHAUSTED: too much")


def test_client_stream(connect):
    socket = connect("Sum")
    socket.send(message={"value": 3})
    socket.send(message={"value": "4"})
    socket.send(end={})
    assert socket.rest() == [{"headers": {}}, {"message": {"sum": "7", "count": 2}}, OK, END]


def test_client_stream_without_messages(connect):
    socket = connect("Sum")
    socket.send(end={})
    assert socket.rest() == [{"headers": {}}, {"message": {}}, OK, END]


def test_bidirectional(connect):
    socket = connect("Chat")
    socket.send(start={})
    for word in ["one", "two", "three"]:
        socket.send(message={"text": word})
        frame = socket.next()
        if frame == {"headers": {}}:
            frame = socket.next()
        assert frame == {"message": {"text": word.upper()}}
    socket.send(end={})
    assert socket.rest() == [OK, END]


def test_bidirectional_that_the_service_ends(connect):
    socket = connect("Chat")
    socket.send(message={"text": "fail"})
    *_, status, close = socket.rest()
    assert status["status"]["code"] == "FAILED_PRECONDITION"
    assert close[1] == 4009


def test_details_of_an_error(connect):
    socket = connect("Fail")
    socket.send(message={"code": 5, "message": "no such thing", "withDetails": True})
    status, close = socket.rest()
    assert status["status"]["message"] == "no such thing"
    info, retry = status["status"]["details"]
    assert info == {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "AWKWARD", "domain": "test", "metadata": {"k": "v"}}
    assert retry["@type"] == "type.googleapis.com/google.rpc.RetryInfo"
    assert close == ("close", 4005, "NOT_FOUND: no such thing")


def varint(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def test_protobuf(connect):
    socket = connect("Get", protocol=f"other, {PROTO}, {JSON}")
    assert socket.headers["sec-websocket-protocol"] == PROTO
    start = field(1, field(1, field(1, b"x-tenant") + field(2, b"t1"))) + b""
    socket.frame(BINARY, start)
    socket.frame(BINARY, field(2, pb.Everything(name="n", blob=b"\0\xff").SerializeToString()))
    opcode, headers = socket.receive()
    assert opcode == BINARY and headers[:1] == b"\x0a"
    opcode, message = socket.receive()
    assert message[:1] == b"\x12"
    echoed = pb.Echoed.FromString(message[2:] if message[1] < 128 else message[3:])
    assert echoed.request == pb.Everything(name="n", blob=b"\0\xff") and echoed.metadata["x-tenant"] == "t1"
    assert socket.receive() == (BINARY, field(3, b""))
    assert socket.receive()[0] == CLOSE


def test_protobuf_error(connect):
    socket = connect("Fail", protocol=PROTO)
    socket.frame(BINARY, field(2, pb.FailRequest(code=5, message="nothing").SerializeToString()))
    opcode, frame = socket.receive()
    assert opcode == BINARY and frame[:1] == b"\x1a" and b"\x08\x05" in frame and field(2, b"nothing") in frame


def test_without_a_subprotocol_it_is_json(connect):
    socket = connect("Get", protocol=None)
    socket.send(message={"name": "a"})
    assert socket.rest()[-2:] == [OK, END]


def test_pings_of_both_kinds(connect):
    socket = connect("Chat")
    socket.frame(PING, b"are you there")
    assert socket.receive() == (PONG, b"are you there")
    socket.send(ping={})
    assert socket.next() == {"pong": {}}
    socket.frame(TEXT, b'{"message":{"te', fin=False)
    socket.frame(PING, b"between fragments")
    socket.frame(0, b'xt":"a"}}')
    assert socket.receive() == (PONG, b"between fragments")
    assert socket.next() == {"headers": {}} and socket.next() == {"message": {"text": "A"}}


def test_a_deadline_passes(connect):
    socket = connect("Sleep")
    socket.send(start={"timeout": "0.2s"})
    socket.send(message={"ms": 120_000})
    status, close = socket.rest()
    assert status["status"]["code"] == "DEADLINE_EXCEEDED" and close[1] == 4004


def test_a_deadline_passes_before_the_message(connect):
    socket = connect("Get")
    socket.send(start={"timeout": "0.1s"})
    status, close = socket.rest()
    assert status["status"]["code"] == "DEADLINE_EXCEEDED" and close[1] == 4004


@pytest.mark.parametrize("how", ["close", "drop"])
def test_a_client_that_goes_cancels_the_call(connect, quiet, how):
    before = quiet()
    socket = connect("Ticks")
    socket.send(message={"count": 100_000, "delayMs": 10})
    assert socket.next() == {"headers": {}}
    if how == "close":
        socket.close(1000)
        while not isinstance(frame := socket.next(), tuple):
            assert frame is not None, "our close was not answered"
    else:
        socket.drop()
    eventually(lambda: (now := quiet.counts())["cancelled"] > before["cancelled"] and now["running"] == 0)


@pytest.mark.parametrize("frames, code, reason", [
    (['{"mesage":{}}'], "INVALID_ARGUMENT", "bad_frame"),
    (['{"start":{"timeOut":"1s"}}'], "INVALID_ARGUMENT", "bad_frame"),
    (['{"start":{"timeout":"1 s"}}'], "INVALID_ARGUMENT", "bad_frame"),
    (['{"start":{"metadata":{"a b":"x"}}}'], "INVALID_ARGUMENT", "bad_frame"),
    (['{"start":{"metadata":{"a":"x\\ny"}}}'], "INVALID_ARGUMENT", "bad_frame"),
    (['{"start":{}}', '{"start":{}}'], "INVALID_ARGUMENT", "bad_frame"),
    (['{}'], "INVALID_ARGUMENT", "bad_frame"),
    (['nonsense'], "INVALID_ARGUMENT", "bad_frame"),
    (['{"start":{},"end":{}}'], "INVALID_ARGUMENT", "bad_frame"),
    (['{"message":{},"end":{}}'], "INVALID_ARGUMENT", None),
    (['{"message":{"nam":1}}'], "INVALID_ARGUMENT", None),
    (['{"message":{"i32":"x"}}'], "INVALID_ARGUMENT", None),
    (['{"end":{}}'], "UNIMPLEMENTED", "request_count"),
])
def test_what_is_wrong_is_a_status(connect, frames, code, reason):
    socket = connect("Get")
    for frame in frames:
        socket.frame(TEXT, frame.encode())
    status, close = socket.rest()
    assert status["status"]["code"] == code
    if reason:
        assert status["status"]["reason"] == reason
    assert close[1] == 4000 + {"INVALID_ARGUMENT": 3, "UNIMPLEMENTED": 12}[code]


def test_a_message_after_the_end(connect):
    socket = connect("Chat")
    socket.send(end={})
    socket.send(message={"text": "late"})
    *_, status, close = socket.rest()
    assert status["status"]["code"] in ("INVALID_ARGUMENT", "OK")  # the service may have ended the call before


def test_two_messages_where_one_is_taken(connect):
    socket = connect("Sleep")
    socket.send(message={"ms": 120_000})
    socket.send(message={"ms": 120_000})
    status, close = socket.rest()
    assert status["status"]["code"] == "UNIMPLEMENTED" and close[1] == 4012


def test_an_unreachable_service(new_node, connect):
    node = new_node(services={"awkward": {"serves": ["awkward.v1.Awkward"], "at": "grpc://127.0.0.1:9"}})
    socket = connect("Get", port=node.port)
    socket.send(message={})
    status, close = socket.rest()
    assert status["status"]["code"] == "UNAVAILABLE" and close[1] == 4014


def test_compressed_messages(connect):
    socket = connect("Get", headers={"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"})
    assert socket.headers["sec-websocket-extensions"] == "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    socket.send(message={"text": "again " * 1000})
    _, message, status, _ = socket.rest()
    assert message["message"]["request"]["text"] == "again " * 1000 and status == OK


def test_large_messages(connect):
    socket = connect("Get")
    text = "0123456789" * 300_000
    socket.send(message={"text": text})
    _, message, status, _ = socket.rest()
    assert message["message"]["request"]["text"] == text and status == OK
