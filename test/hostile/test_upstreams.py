"""Services that refuse, hang, reset, talk rubbish or die: a clear status for the caller, no hung call, others unharmed, and back when they are back."""

import gzip
import os
import struct
import threading
import time

import grpc
import httpx
import pytest
from awkward_fixtures import BINARY, CACHE, pb, pb_grpc
import parley_node
import suite
from peers import (DATA, END_HEADERS, END_STREAM, HEADERS, SETTINGS, Upstream, frame, goaway, grpc_message, rst, settings)

CODE = {code.name: code for code in grpc.StatusCode}
ECHO = pb.Echoed(rpc="ok").SerializeToString()


class Behind:
    """A node with one scripted upstream behind it, and callers of it."""

    def __init__(self, port, **more):
        services = {"awkward": {"serves": ["awkward.v1.Awkward"], "at": f"grpc://127.0.0.1:{port}"}}
        self.node = parley_node.Parley(BINARY, suite.patient({"contracts": suite.AWKWARD, "services": services, **more}))

    def __enter__(self):
        self.node.start()
        self.url = f"http://127.0.0.1:{self.node.port}"
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.node.port}")
        self.stub = pb_grpc.AwkwardStub(self.channel)
        return self

    def __exit__(self, kind, *_):
        self.channel.close()
        self.node.__exit__(kind)

    def get(self, timeout=60):
        """A unary call: (code name, message)."""
        try:
            self.stub.Get(pb.Everything(), timeout=timeout)
            return "OK", ""
        except grpc.RpcError as error:
            return error.code().name, error.details()

    def ticks(self, timeout=60):
        """A server stream: (messages, code name)."""
        got = []
        try:
            for tick in self.stub.Ticks(pb.TicksRequest(), timeout=timeout):
                got.append(tick)
            return len(got), "OK"
        except grpc.RpcError as error:
            return len(got), error.code().name

    def rest(self):
        return httpx.get(self.url + "/v1/get/x", timeout=60)


def scripted(answer):
    """An upstream that greets and does `answer(connection, stream)` for each request."""
    def script(connection, _):
        connection.greet()
        while True:
            stream, _, _ = connection.next_request()
            answer(connection, stream)

    return Upstream(script)


def heads(connection, stream, *fields, end=False):
    connection.send(connection.headers(stream, list(fields), END_HEADERS | (END_STREAM if end else 0)))


GRPC_HEAD = ((":status", "200"), ("content-type", "application/grpc"))


def answering(*fields):
    """Trailers-Only with these fields."""
    return lambda connection, stream: heads(connection, stream, *fields, end=True)


def body_then(*parts, trailers=(("grpc-status", "0"),)):
    def answer(connection, stream):
        heads(connection, stream, *GRPC_HEAD)
        for part in parts:
            connection.send(frame(DATA, 0, stream, part))
        heads(connection, stream, *trailers, end=True)

    return answer


def resetting(code, after_headers=False):
    def answer(connection, stream):
        if after_headers:
            heads(connection, stream, *GRPC_HEAD)
        connection.send(rst(stream, code))

    return answer


def closing(*parts):
    def answer(connection, stream):
        if parts:
            heads(connection, stream, *GRPC_HEAD)
        for part in parts:
            connection.send(frame(DATA, 0, stream, part))
        connection.close()

    return answer


UNARY = [
    ("a good answer", body_then(grpc_message(ECHO)), {"OK"}),
    ("a good answer in ten frames", body_then(*[grpc_message(ECHO)[n:n + 1] for n in range(len(grpc_message(ECHO)))]), {"OK"}),
    ("trailers only", answering(*GRPC_HEAD, ("grpc-status", "5"), ("grpc-message", "none")), {"NOT_FOUND"}),
    ("no message and OK", body_then(), {"INTERNAL", "UNIMPLEMENTED"}),
    ("two messages", body_then(grpc_message(ECHO) * 2), {"INTERNAL", "UNIMPLEMENTED"}),
    ("half a message", body_then(grpc_message(ECHO)[:-1]), {"INTERNAL"}),
    ("a message of 4 GiB, announced", body_then(grpc_message(ECHO, length=0xFFFFFFFF)), {"RESOURCE_EXHAUSTED"}),
    ("compressed without an encoding", body_then(grpc_message(ECHO, flag=1)), {"INTERNAL"}),
    ("no status at all", body_then(grpc_message(ECHO), trailers=(("x-a", "b"),)), {"UNKNOWN", "INTERNAL"}),
    ("a status that is no number", answering(*GRPC_HEAD, ("grpc-status", "bad")), {"UNKNOWN", "INTERNAL"}),
    ("a status nobody knows", answering(*GRPC_HEAD, ("grpc-status", "999")), {"UNKNOWN"}),
    ("a message that is badly encoded", answering(*GRPC_HEAD, ("grpc-status", "9"), ("grpc-message", "100%zz%")), {"FAILED_PRECONDITION"}),
    ("details that are rubbish", answering(*GRPC_HEAD, ("grpc-status", "9"), ("grpc-status-details-bin", "!!!")), {"FAILED_PRECONDITION"}),
    ("HTTP 400", answering((":status", "400")), {"INTERNAL"}), ("HTTP 401", answering((":status", "401")), {"UNAUTHENTICATED"}),
    ("HTTP 403", answering((":status", "403")), {"PERMISSION_DENIED"}), ("HTTP 404", answering((":status", "404")), {"UNIMPLEMENTED"}),
    ("HTTP 429", answering((":status", "429")), {"UNAVAILABLE"}), ("HTTP 500", answering((":status", "500")), {"UNKNOWN"}),
    ("HTTP 502", answering((":status", "502")), {"UNAVAILABLE"}), ("HTTP 503", answering((":status", "503")), {"UNAVAILABLE"}),
    ("HTTP 504", answering((":status", "504")), {"UNAVAILABLE"}), ("HTTP 302", answering((":status", "302"), ("location", "/")), {"UNKNOWN"}),
    ("a web page", answering((":status", "200"), ("content-type", "text/html")), {"UNKNOWN", "INTERNAL"}),
    ("no :status", answering(("content-type", "application/grpc")), {"INTERNAL", "UNAVAILABLE", "UNKNOWN"}),
    ("REFUSED_STREAM", resetting(7), {"UNAVAILABLE"}), ("CANCEL", resetting(8), {"CANCELLED"}), ("ENHANCE_YOUR_CALM", resetting(11), {"RESOURCE_EXHAUSTED"}),
    ("INADEQUATE_SECURITY", resetting(12), {"PERMISSION_DENIED"}), ("INTERNAL_ERROR", resetting(2), {"INTERNAL"}), ("NO_ERROR", resetting(0), {"INTERNAL", "UNKNOWN"}),
    ("an unknown reset", resetting(0xBEEF, after_headers=True), {"INTERNAL", "UNKNOWN"}),
    ("closed before the answer", closing(), {"UNAVAILABLE"}), ("closed in mid-answer", closing(grpc_message(ECHO)[:-1]), {"UNAVAILABLE", "INTERNAL"}),
    ("closed before the trailers", closing(grpc_message(ECHO)), {"UNAVAILABLE", "INTERNAL"}),
]


SILENT = [answer for name, answer, _ in UNARY if name in ("a status nobody knows", "details that are rubbish")]  # nor has the service one


@pytest.mark.parametrize("answer, codes", [case[1:] for case in UNARY], ids=[case[0] for case in UNARY])
def test_unary_answers(answer, codes):
    with scripted(answer) as upstream, Behind(upstream.port) as behind:
        code, message = behind.get()
        assert code in codes, message
        if code != "OK":
            assert message or answer in SILENT, "an error without a word"
        reply = behind.rest()
        assert (reply.status_code == 200) == (code == "OK")
        assert reply.status_code == 200 or reply.json()["code"] == code, reply.text


def test_a_decompression_bomb_in_a_reply():
    packed = grpc_message(gzip.compress(b"\0" * (200 << 20)), flag=1)

    def answer(connection, stream):
        heads(connection, stream, *GRPC_HEAD, ("grpc-encoding", "gzip"))
        for at in range(0, len(packed), 16000):
            connection.send(frame(DATA, 0, stream, packed[at:at + 16000]))
        heads(connection, stream, ("grpc-status", "0"), end=True)

    with scripted(answer) as upstream, Behind(upstream.port) as behind:
        before = behind.node.rss_kib()
        assert behind.get()[0] == "RESOURCE_EXHAUSTED"
        assert behind.node.rss_kib() - before < behind.node.rss_bound_kib(64)


def test_a_reply_that_is_no_protobuf_is_an_error_over_json():
    with scripted(body_then(grpc_message(b"\x0a\xff\xff"))) as upstream, Behind(upstream.port) as behind:
        answer = behind.rest()
        assert answer.status_code in (500, 502) and answer.json()["code"] == "INTERNAL"


STREAM = [
    ("an honest end", body_then(grpc_message(b""), grpc_message(b"")), (2, {"OK"})),
    ("closed after two", closing(grpc_message(b""), grpc_message(b"")), (2, {"UNAVAILABLE", "INTERNAL"})),
    ("half a message, then an end", body_then(grpc_message(b""), b"\0\0"), (1, {"INTERNAL"})),
]


@pytest.mark.parametrize("answer, want", [case[1:] for case in STREAM], ids=[case[0] for case in STREAM])
def test_streams(answer, want):
    with scripted(answer) as upstream, Behind(upstream.port) as behind:
        count, code = behind.ticks()
        assert count == want[0] and code in want[1]
        lines = httpx.get(behind.url + "/v1/ticks", timeout=60)
        if code == "OK":
            assert "error" not in lines.text
        else:
            assert lines.status_code >= 500 or '"error"' in lines.text.splitlines()[-1]


def test_nobody_listens():
    port = parley_node.free_port()
    with Behind(port) as behind:
        code, message = behind.get()
        assert code == "UNAVAILABLE" and message
        assert behind.rest().status_code == 503


HANGS = [
    ("says nothing", lambda connection, _: time.sleep(120)),
    ("greets and says nothing", lambda connection, _: (connection.greet(), time.sleep(120))),
    ("sends headers and no more", lambda connection, _: (connection.greet(), heads(connection, connection.next_request()[0], *GRPC_HEAD), time.sleep(120))),
    ("takes no byte", lambda connection, _: (connection.greet(settings(_4=0)), time.sleep(120))),
]


@pytest.mark.parametrize("script", [case[1] for case in HANGS], ids=[case[0] for case in HANGS])
def test_an_upstream_that_hangs_ends_with_the_callers_deadline(script):
    with Upstream(script) as upstream, Behind(upstream.port) as behind:
        grpc.channel_ready_future(behind.channel).result(60)  # or the deadline could pass before the node hears of the call
        assert behind.get(timeout=0.5)[0] == "DEADLINE_EXCEEDED"


RUBBISH = [
    ("an HTTP/1.1 server", b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"), ("random bytes", bytes(range(256)) * 20),
    ("a frame that is too long", b"\xff\xff\xff\x00\x00\x00\x00\x00\x01"), ("a push", settings() + frame(5, 4, 1, struct.pack(">I", 2) + b"\x82")),
    ("data of no stream", settings() + frame(DATA, 0, 99, b"x")), ("broken hpack", settings() + frame(HEADERS, 5, 1, b"\xff" * 9)),
    ("a window of two", settings(_4=0xFFFFFFFF)), ("no settings", frame(DATA, 0, 0, b"x")), ("goodbye at once", settings() + goaway(0, 11)),
]


@pytest.mark.parametrize("said", [case[1] for case in RUBBISH], ids=[case[0] for case in RUBBISH])
def test_an_upstream_that_talks_rubbish(said):
    def script(connection, _):
        connection.sock.recv(1 << 16)
        connection.send(said)
        time.sleep(0.3)

    with Upstream(script) as upstream, Behind(upstream.port) as behind:
        code, message = behind.get()
        assert code in ("UNAVAILABLE", "INTERNAL", "RESOURCE_EXHAUSTED") and message
        assert behind.rest().status_code in (429, 500, 503)


def test_goaway_before_the_call_was_seen_is_no_failed_call():
    """RFC 9113 section 6.8: streams above the last id were not processed, and go to another connection."""
    def script(connection, number):
        connection.greet()
        while True:
            stream, _, _ = connection.next_request()
            if number == 1:
                connection.send(goaway(0, 0))
                time.sleep(0.2)
                return
            connection.answer(stream, ECHO)

    with Upstream(script) as upstream, Behind(upstream.port) as behind:
        assert behind.get()[0] == "OK"
        assert upstream.accepted == 2


def test_a_refused_stream_is_tried_again():
    refused = threading.Event()

    def answer(connection, stream):
        if not refused.is_set():
            refused.set()
            connection.send(rst(stream, 7))
        else:
            connection.answer(stream, ECHO)

    with scripted(answer) as upstream, Behind(upstream.port) as behind:
        assert behind.get()[0] == "OK"


def test_what_may_have_been_processed_is_not_tried_again():
    seen = []

    def answer(connection, stream):
        seen.append(stream)
        connection.close()

    with scripted(answer) as upstream, Behind(upstream.port) as behind:
        try:
            behind.stub.Post(pb.Everything(), timeout=60)
        except grpc.RpcError as error:
            assert error.code().name == "UNAVAILABLE"
        assert len(seen) == 1


def test_a_graceful_goaway_lets_calls_finish():
    def script(connection, number):
        connection.greet()
        while True:
            stream, _, _ = connection.next_request()
            if number == 1:
                connection.send(goaway(stream, 0))
                time.sleep(0.3)
            connection.answer(stream, ECHO)
            if number == 1:
                return

    with Upstream(script) as upstream, Behind(upstream.port) as behind:
        for _ in range(3):
            assert behind.get()[0] == "OK"


def test_stale_connections_are_not_used():
    """The upstream closes each connection when it has answered; the next call must not fall into that hole."""
    def script(connection, _):
        connection.greet()
        connection.answer(connection.next_request()[0], ECHO)

    with Upstream(script) as upstream, Behind(upstream.port) as behind:
        results = []
        for number in range(1, 11):
            results.append(behind.get()[0])
            end = time.monotonic() + 60
            while upstream.closed < number and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(0.1)
        assert results == ["OK"] * 10


def test_a_service_that_dies_and_comes_back():
    python = suite.awkward_python(CACHE)
    command = [python, os.path.join(suite.AWKWARD, "server.py"), "{port}"]
    first = parley_node.Backend(command, name="awkward")
    with Behind(first.port) as behind:
        assert behind.get()[0] == "OK"
        stream = behind.stub.Ticks(pb.TicksRequest(count=1000, delay_ms=50), timeout=60)
        next(stream)
        first.kill()
        with pytest.raises(grpc.RpcError) as broken:
            for _ in stream:
                pass
        assert broken.value.code().name in ("UNAVAILABLE", "INTERNAL")
        assert behind.get()[0] == "UNAVAILABLE"
        with parley_node.Backend(command, name="awkward", port=first.port):
            deadline = time.monotonic() + 60
            while behind.get()[0] != "OK":
                assert time.monotonic() < deadline, "the service is back, and Parley does not see it"
                time.sleep(0.1)


def test_several_addresses_are_tried_in_turn(backend):
    dead = parley_node.free_port()
    services = {"awkward": {"serves": ["awkward.v1.Awkward"], "at": f"grpc://127.0.0.1:{dead},127.0.0.1:{backend.port}"}}
    with Behind(0, services=services) as behind:
        assert [behind.get()[0] for _ in range(6)] == ["OK"] * 6


def test_a_bad_service_does_not_harm_a_good_one(backend):
    """Two services, one hangs: calls of the other are answered meanwhile, and hundreds of hanging calls cost little."""
    asked = []

    def script(connection, _):
        connection.greet()
        while True:
            kind, _, stream, _ = connection.read_frame()
            if kind == HEADERS:
                asked.append(stream)

    with Upstream(script) as upstream:
        services = {"good": {"serves": ["awkward.v1.Awkward"], "at": f"grpc://127.0.0.1:{backend.port}"},
                    "bad": {"serves": ["other.v1.Other"], "at": f"grpc://127.0.0.1:{upstream.port}"}}
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "contracts")
        with Behind(0, services=services, contracts=[suite.AWKWARD, folder]) as behind:
            method = behind.channel.unary_unary("/other.v1.Other/Hang")
            hanging = [method.future(b"", timeout=600) for _ in range(200)]  # fewer than a connection's streams
            end = time.monotonic() + 60
            while len(asked) < len(hanging):
                assert time.monotonic() < end, "not all calls came to the service"
                time.sleep(0.02)
            for _ in range(20):
                assert behind.get()[0] == "OK"
            late = [method.future(b"", timeout=1) for _ in range(20)]
            assert {future.code().name for future in late} == {"DEADLINE_EXCEEDED"}
            assert not any(future.done() for future in hanging)


def test_a_cancelled_caller_cancels_upstream():
    began, got = threading.Event(), threading.Event()

    def script(connection, _):
        connection.greet()
        connection.next_head()
        began.set()
        while True:
            kind, _, _, payload = connection.read_frame()
            if kind == 3:
                assert struct.unpack(">I", payload)[0] == 8  # CANCEL
                got.set()

    with Upstream(script) as upstream, Behind(upstream.port) as behind:
        future = behind.stub.Get.future(pb.Everything(), timeout=60)
        assert began.wait(60)
        future.cancel()
        assert got.wait(60)


def test_a_flood_of_pings_from_upstream_costs_no_memory():
    def script(connection, _):
        connection.greet()
        stream, _, _ = connection.next_request()
        connection.sock.settimeout(60)
        for _ in range(2000):
            connection.send(frame(6, 0, 0, b"12345678") * 100 + frame(SETTINGS, 0, 0) * 10)
        connection.answer(stream, ECHO)

    with Upstream(script) as upstream, Behind(upstream.port) as behind:
        before = behind.node.rss_kib()
        behind.get(timeout=60)
        assert behind.node.rss_kib() - before < behind.node.rss_bound_kib(16)


def test_a_large_upload_to_a_slow_service_is_held_back():
    """The service's window stays shut: the caller waits, Parley keeps little."""
    def script(connection, _):
        connection.greet(settings(_4=1000))
        connection.polite = False
        connection.next_head()
        time.sleep(4)

    with Upstream(script) as upstream, Behind(upstream.port) as behind:
        before = behind.node.rss_kib()

        def numbers():
            for _ in range(200):
                yield pb.Everything(text="x" * 1_000_000)

        sum_of_anything = behind.channel.stream_unary("/awkward.v1.Awkward/Sum", request_serializer=pb.Everything.SerializeToString)
        with pytest.raises(grpc.RpcError):
            sum_of_anything(numbers(), timeout=2)
        assert behind.node.rss_kib() - before < behind.node.rss_bound_kib(32)
