"""Streams over REST: NDJSON, server-sent events and arrays out; NDJSON in; honest ends."""

import json
import time
from http.client import HTTPConnection

import pytest
from awkward_fixtures import another, problem


def lines(answer):
    return [json.loads(line) for line in answer.text.splitlines()]


def events(text):
    """Server-sent events as the HTML standard parses them: [(event, data, id)]."""
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = {}
        for line in block.split("\n"):
            if line and not line.startswith(":"):
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                fields[name] = fields[name] + "\n" + value if name == "data" and "data" in fields else value
        if "data" in fields:
            found.append((fields.get("event", "message"), fields["data"], fields.get("id")))
    return found


def test_ndjson_is_the_default(http):
    answer = http.get("/v1/ticks?count=3")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("application/x-ndjson")
    assert lines(answer) == [{}, {"index": 1}, {"index": 2}] or lines(answer) == [{"index": n, "text": ""} for n in range(3)]
    assert answer.text.endswith("\n")


def test_an_empty_stream_is_a_success(http):
    answer = http.get("/v1/ticks?count=0")
    assert (answer.status_code, answer.text) == (200, "")


def test_events(http):
    answer = http.get("/v1/ticks?count=2&size=3", headers={"accept": "text/event-stream"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache" or "no-" in answer.headers["cache-control"]
    got = [(event, json.loads(data)) for event, data, _ in events(answer.text)]
    ticks = [item for item in got if item[0] == "message"]
    assert [data["text"] for _, data in ticks] == ["xxx", "xxx"]


def test_an_array_for_those_who_ask_for_json(http):
    answer = http.get("/v1/ticks?count=2&size=1", headers={"accept": "application/json"})
    assert answer.headers["content-type"].startswith("application/json")
    assert [tick["text"] for tick in answer.json()] == ["x", "x"]


@pytest.mark.parametrize("accept", ["*/*", "text/event-stream", "application/json"])
def test_a_stream_that_fails_at_once_has_an_honest_status(http, accept):
    answer = http.get("/v1/ticks?count=0&code=5&message=none", headers={"accept": accept})
    assert answer.status_code == 404, answer.text


def test_ndjson_that_fails_later_ends_with_an_error_line(http):
    answer = http.get("/v1/ticks?count=2&code=14&message=later&delayMs=50&size=1")
    assert answer.status_code == 200
    *ticks, last = lines(answer)
    assert [tick["text"] for tick in ticks] == ["x", "x"]
    assert list(last) == ["error"] and last["error"]["code"] in ("UNAVAILABLE", 14) and "later" in json.dumps(last["error"])


def test_events_that_fail_later_end_with_an_error_event(http):
    answer = http.get("/v1/ticks?count=1&code=9&message=later&delayMs=50", headers={"accept": "text/event-stream"})
    event, data, _ = events(answer.text)[-1]
    assert event == "error" and json.loads(data)["code"] == "FAILED_PRECONDITION"


def test_messages_arrive_when_they_are_sent(http):
    """The first comes while the service rests before the second for longer than a client waits."""
    with another(http) as leaver, leaver.stream("GET", "/v1/ticks?count=2&delayMs=120000&size=1") as answer:
        assert json.loads(next(answer.iter_lines()))["text"] == "x"
    assert len(lines(http.get("/v1/ticks?count=4&delayMs=20&size=1"))) == 4


def test_a_client_that_leaves_cancels_the_call(node, http):
    before = http.get("/v1/census").json().get("cancelled", 0)
    with another(http) as leaver:
        with leaver.stream("GET", "/v1/ticks?count=1000&delayMs=100&size=1") as answer:
            next(answer.iter_lines())
    deadline = time.monotonic() + 60
    while http.get("/v1/census").json().get("cancelled", 0) <= before:
        assert time.monotonic() < deadline, "the backend was not told"
        time.sleep(0.05)


def test_client_stream_of_lines(http):
    body = "".join(json.dumps({"value": str(n)}) + "\n" for n in range(100))
    answer = http.post("/v1/sum", content=body, headers={"content-type": "application/x-ndjson"})
    assert answer.json() == {"sum": "4950", "count": 100}


@pytest.mark.parametrize("body", ['{"value":1}\n{"value":2}', '{"value":1}{"value":2}', '[{"value":1},{"value":2}]', '{"value":1}\r\n\r\n{"value":2}\r\n'])
def test_client_stream_written_in_other_ways(http, body):
    answer = http.post("/v1/sum", content=body, headers={"content-type": "application/json"})
    assert answer.json() == {"sum": "3", "count": 2}


def test_a_client_stream_without_messages(http):
    answer = http.post("/v1/sum", content="", headers={"content-type": "application/x-ndjson"})
    assert answer.status_code == 200 and answer.json() in ({}, {"sum": "0", "count": 0})


def test_a_bad_line_fails_the_call_and_names_itself(http):
    answer = http.post("/v1/sum", content='{"value":1}\n{"value":"x"}\n', headers={"content-type": "application/x-ndjson"})
    assert "value" in problem(answer, 400, "INVALID_ARGUMENT")["detail"]


def test_bidi_over_one_request(http):
    answer = http.post("/v1/chat", content='{"text":"a"}\n{"text":"b"}\n', headers={"content-type": "application/x-ndjson"})
    assert lines(answer) == [{"text": "A"}, {"text": "B"}]


def test_bidi_is_full_duplex(http):
    """The second line is sent only after the answer to the first arrived."""
    if http._transport._pool._http2:
        pytest.skip("httpx reads answers only after it has sent the request; the rpc suites cover duplex over HTTP/2")
    connection = HTTPConnection(http.base_url.host, http.base_url.port, timeout=60)
    connection.putrequest("POST", "/v1/chat")
    connection.putheader("content-type", "application/x-ndjson")
    connection.putheader("transfer-encoding", "chunked")
    connection.endheaders()
    connection.send(chunk(b'{"text":"first"}\n'))
    answer = connection.getresponse()
    assert json.loads(answer.readline()) == {"text": "FIRST"}
    connection.send(chunk(b'{"text":"second"}\n') + b"0\r\n\r\n")
    assert json.loads(answer.readline()) == {"text": "SECOND"}
    connection.close()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_a_slow_reader_does_not_fill_memory(node, http1):
    """64 MiB are waiting behind a reader that takes none: Parley holds back the backend."""
    with http1.stream("GET", "/v1/ticks?count=640&size=100000") as answer:
        time.sleep(1.5)
        assert node.rss_kib() < node.rss_bound_kib(200)
        total = sum(len(part) for part in answer.iter_bytes())
    assert total > 64_000_000
