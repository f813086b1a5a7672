"""What a topic does, whoever keeps it."""

import gzip
import http.client
import json
import time

import pytest

from conftest import BACKEND
from pull import ApiError, number


def numbers(events):
    return [int(event["message"]["json"].get("number", 0)) for event in events]


def publish(topic, *ns, key="k"):
    return [topic.publish(topic.type, {"key": key, "number": str(n)}) for n in ns]


@pytest.mark.topic
def test_events_are_read_in_order(topic):
    receipts = publish(topic, *range(10))
    events = topic.read_all(10, earliest=True)
    assert numbers(events) == list(range(10))
    assert [event["message"]["id"] for event in events] == [receipt["id"] for receipt in receipts]
    assert all(event["message"]["key"] == "k" for event in events)


@pytest.mark.topic
def test_reading_goes_on_behind_a_position(topic):
    publish(topic, *range(6))
    events = topic.read_all(6, earliest=True)
    assert numbers(topic.read_all(2, after=events[3]["position"])) == [4, 5]
    assert topic.read(after=events[5]["position"])[0] == []


@pytest.mark.topic
def test_reading_from_a_time(topic):
    publish(topic, 1)
    time.sleep(1.2)
    between = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1.2)
    publish(topic, 2)
    assert numbers(topic.read_all(1, time=between)) == [2]
    assert numbers(topic.read_all(2, time="2020-01-01T00:00:00Z")) == [1, 2]


@pytest.mark.topic
def test_reading_from_the_latest(topic):
    publish(topic, 1)
    events, after = topic.read()
    assert events == []
    publish(topic, 2)
    assert numbers(topic.read_all(1, after=after)) == [2]


@pytest.mark.topic
def test_each_group_gets_each_event(topic, group):
    publish(topic, *range(8))
    for name in ("audit", "late"):
        assert [number(d) for d in group(name).drain(8)] == list(range(8))
        group(name).none()


@pytest.mark.topic
def test_a_group_retries_and_buries_like_a_queue(topic, group):
    audit = group("audit")
    publish(topic, 1, 2)
    first = audit.one()
    audit.settle(first, "RETRY")
    again = audit.one()
    assert (number(again), again["attempt"]) == (1, 2)
    audit.settle(again, "KILL", reason="poison")
    second = audit.one()
    assert number(second) == 2
    audit.settle(second)
    (dead,) = audit.peek_all(1, "DEAD")
    assert dead["reason"] == "poison"
    assert int(audit.do("redrive", all=True)["count"]) == 1
    redriven = audit.one()
    assert (number(redriven), redriven["attempt"]) == (1, 1)
    audit.settle(redriven)
    assert [number(d) for d in group("late").drain(2)] == [1, 2], "the other group knows nothing of that"


@pytest.mark.topic
def test_a_reader_keeps_its_place(topic):
    publish(topic, 1, 2, 3)
    events = topic.read_all(3, earliest=True)
    topic.commit("reader", events[1]["position"])
    place = topic.checkpoint("reader")
    assert numbers(topic.read_all(1, after=place)) == [3]
    topic.commit("reader", events[2]["position"])
    assert topic.read(after=topic.checkpoint("reader"))[0] == []


@pytest.mark.topic
def test_a_group_is_moved(topic, group):
    publish(topic, 1, 2, 3)
    audit = group("audit")
    assert [number(d) for d in audit.drain(3)] == [1, 2, 3]
    topic.seek("audit", earliest=True)
    assert [number(d) for d in audit.drain(3)] == [1, 2, 3]
    topic.seek("audit", after=topic.read_all(3, earliest=True)[0]["position"])
    assert [number(d) for d in audit.drain(2)] == [2, 3]
    topic.seek("audit", earliest=True)
    topic.seek("audit")
    audit.none(1.0)


@pytest.mark.topic
def test_an_event_that_comes_again_is_stored_once(topic):
    event = {"specversion": "1.0", "id": "e1", "source": "/tests", "type": topic.type, "data": {"key": "k", "number": "1"}}
    headers = {"content-type": "application/cloudevents+json"}
    first = topic.post(json.dumps(event), headers)
    again = topic.post(json.dumps(event), headers)
    if "event_dedup" in BACKEND.lacks:
        assert "duplicate" not in again
        events = topic.read_all(2, earliest=True)
        assert [(e["message"]["source"], e["message"]["id"]) for e in events] == [("/tests", "e1")] * 2
        return
    assert again["duplicate"] is True
    assert again["position"] == first["position"]
    topic.post(json.dumps({**event, "source": "/others"}), headers)
    assert len(topic.read_all(2, earliest=True)) == 2
    assert len(topic.read_all(3, seconds_left=2, earliest=True)) == 2


@pytest.mark.topic
def test_cloud_events_come_in_three_modes(topic):
    event = {"specversion": "1.0", "source": "/tests", "type": topic.type, "subject": "s", "time": "2026-01-31T08:00:00.250Z"}
    topic.post(json.dumps({**event, "id": "1", "data": {"key": "a", "number": "1"}}), {"content-type": "application/cloudevents+json"})
    topic.post(json.dumps({"key": "a", "number": "2"}),
               {"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "2", "ce-source": "/tests", "ce-type": topic.type,
                "ce-time": event["time"], "ce-subject": "s", "ce-partitionkey": "a"})
    topic.post(b"\x0a\x01a\x10\x03", {"content-type": "application/protobuf", "ce-specversion": "1.0", "ce-id": "3", "ce-source": "/tests",
                                      "ce-type": topic.type, "ce-time": event["time"], "ce-subject": "s"})
    receipts = topic.post(json.dumps([{**event, "id": str(n), "data": {"key": "a", "number": str(n)}} for n in (4, 5)]),
                          {"content-type": "application/cloudevents-batch+json"})
    assert [receipt["id"] for receipt in receipts] == ["4", "5"]
    seen = topic.events("?from=earliest", expected=5)
    for n, (position, one) in enumerate(seen, 1):
        assert position
        assert one == {**event, "id": str(n), "partitionkey": "a", "datacontenttype": "application/json",
                       "data": {"key": "a", "number": str(n)}}


@pytest.mark.topic
def test_nothing_of_a_batch_with_a_bad_event_is_stored(topic, group):
    good = {"specversion": "1.0", "source": "/tests", "type": topic.type}
    batch = [{**good, "id": str(n), "data": {"key": "k", "number": str(n)}} for n in range(1, 6)]
    headers = {"content-type": "application/cloudevents-batch+json"}
    for bad, says in (({**good, "id": "6", "data": {"nothing": 1}}, "nothing"), ({**good, "id": "6", "type": "cases.Job"}, "no event type")):
        with pytest.raises(ApiError) as error:
            topic.post(json.dumps([*batch, bad]), headers)
        assert error.value.status == 400
        assert error.value.detail.startswith("event 6 of the batch: ") and says in error.value.detail
    group("audit").none(1.0)
    receipts = topic.post(json.dumps(batch), headers)
    assert [receipt["id"] for receipt in receipts] == ["1", "2", "3", "4", "5"]
    assert [number(d) for d in group("audit").drain(5)] == [1, 2, 3, 4, 5]


@pytest.mark.topic
def test_bodies_may_be_compressed(topic, group):
    event = {"specversion": "1.0", "source": "/tests", "type": topic.type}
    one = {**event, "id": "1", "data": {"key": "k", "number": "1"}}
    packed = {"content-encoding": "gzip"}
    topic.post(gzip.compress(json.dumps(one).encode()), {"content-type": "application/cloudevents+json", **packed})
    batch = [{**event, "id": str(n), "data": {"key": "k", "number": str(n)}} for n in (2, 3)]
    topic.post(gzip.compress(json.dumps(batch).encode()), {"content-type": "application/cloudevents-batch+json", **packed})
    assert [number(d) for d in group("audit").drain(3)] == [1, 2, 3]
    for body, encoding, status in ((b"x", "lzma", 415), (b"x", "gzip", 400), (gzip.compress(bytes(64 << 20)), "gzip", 413)):
        with pytest.raises(ApiError) as error:
            topic.post(body, {"content-type": "application/cloudevents+json", "content-encoding": encoding})
        assert error.value.status == status, error.value


@pytest.mark.topic
def test_a_bad_event_is_refused_at_the_door(topic):
    good = {"specversion": "1.0", "id": "1", "source": "/tests", "type": topic.type, "data": {"key": "k"}}
    structured = {"content-type": "application/cloudevents+json"}
    for event, headers, status, says in (
            ({**good, "data": {"nothing": 1}}, structured, 400, "nothing"),
            ({**good, "type": "cases.Job"}, structured, 400, "no event type"),
            ({**good, "partitionkey": "other"}, structured, 400, "`key` is \"k\""),
            ({**good, "id": ""}, structured, 400, "`id`"),
            ([good, {**good, "specversion": "0.3"}], {"content-type": "application/cloudevents-batch+json"}, 400, "event 2 of the batch"),
            (good["data"], {"content-type": "application/json"}, 400, "specversion"),
            (good, {"content-type": "application/cloudevents+avro"}, 415, "application/cloudevents+json")):
        with pytest.raises(ApiError) as error:
            topic.post(json.dumps(event), headers)
        assert error.value.status == status, error.value
        assert says in error.value.detail
    with pytest.raises(ApiError) as error:
        topic.client.topic("nothing").post(json.dumps(good), structured)
    assert error.value.status == 404
    assert topic.read(earliest=True)[0] == []


@pytest.mark.topic
def test_server_sent_events_go_on_where_they_were(topic):
    publish(topic, 1, 2, 3)
    seen = topic.events("?from=earliest", expected=3)
    assert [event["data"]["number"] for _, event in seen] == ["1", "2", "3"]
    rest = topic.events("?from=earliest", last_event_id=seen[0][0], expected=2)
    assert [event["data"]["number"] for _, event in rest] == ["2", "3"]
    assert [event["data"]["number"] for _, event in topic.events("?from=2020-01-01T00:00:00Z", expected=1)] == ["1"]
    with pytest.raises(ApiError) as error:
        topic.client.topic("nothing").events()
    assert error.value.status == 404
    with pytest.raises(ApiError) as error:
        topic.events("?form=earliest")
    assert error.value.status == 400


@pytest.mark.topic
def test_a_reader_of_the_latest_misses_nothing_before_its_first_event(topic):
    for number in (1, 2):  # there is no event yet, then one
        began = topic.first_id()
        publish(topic, number)  # while the browser is away
        [(_, event)] = topic.events(last_event_id=began)
        assert event["data"]["number"] == str(number)


def subscribe(topic, query, expected):
    """`expected` results of a GraphQL subscription (graphql-sse, distinct connections)."""
    connection = http.client.HTTPConnection("127.0.0.1", topic.client.port, timeout=90)
    connection.request("POST", "/graphql", json.dumps({"query": query}), {"accept": "text/event-stream", "content-type": "application/json"})
    answer, out = connection.getresponse(), []
    while len(out) < expected:
        line = answer.readline().decode()
        assert line, f"the stream ended after {out}"
        if line.startswith("data: "):
            result = json.loads(line[6:])
            if "errors" in result:
                raise ApiError(answer.status, {"detail": result["errors"][0]["message"]})
            out.append(next(iter(result["data"].values())))
    connection.close()
    return out


@pytest.mark.topic
def test_a_graphql_subscription_goes_on_where_it_was(topic):
    publish(topic, 1, 2, 3)
    field = topic.type.removeprefix("cases.")
    field = field[0].lower() + field[1:]
    seen = subscribe(topic, f"subscription {{ {field}(earliest: true) {{ position key event {{ number }} }} }}", 3)
    assert [event["event"]["number"] for event in seen] == ["1", "2", "3"]
    assert seen[0]["key"] == "k"
    rest = subscribe(topic, f'subscription {{ {field}(after: "{seen[0]["position"]}") {{ event {{ number }} }} }}', 2)
    assert [event["event"]["number"] for event in rest] == ["2", "3"]


@pytest.mark.topic
def test_topics_and_groups_are_listed(topic, client):
    topics = {one["topic"]: one for one in client.call("GET", "/parley/topics")["topics"]}
    mine = topics[topic.name]
    assert mine["types"] == [topic.type]
    assert {"audit", "late"} <= {group["group"] for group in mine["groups"]}
