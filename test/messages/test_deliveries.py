"""Deliveries to a service that fails, hangs and goes away."""

import http.server
import itertools
import os
import threading
import time

import pytest

QUEUE = "mail.Mailer/Send"
PATIENT = {'max: "400ms"': 'max: "10s"'}  # retries may wait for longer
# Of a time that is wanted, how much a loaded machine may add. What went wrong instead would take hours, or never come.
LATE = 50


def test_retries_with_attempts_counted_and_back_off(node, mailer):
    node.send(to="ada", text="fail UNAVAILABLE 2")
    seen = mailer.wait(3)
    assert [one.attempt for one in seen] == [1, 2, 3]
    assert len({one.id for one in seen}) == 1
    gaps = [b.began - a.began for a, b in itertools.pairwise(seen)]
    assert 0.09 < gaps[0] < LATE  # half of 200 ms is certain
    assert 0.19 < gaps[1] < LATE
    node.wait_messages("leased", 0)
    assert node.messages("dead") == 0
    node.wait_metric(2, "parley_deliveries_total", queue=QUEUE, outcome="retry")


def test_a_handler_says_when_it_is_to_be_asked_again(new_node, mailer):
    node = new_node(contract=PATIENT).start()
    node.send(to="ada", text="later 2")
    node.send(to="ada", text="fine")
    node.send(to="bob", text="fine")
    seen = mailer.wait(4)
    assert [(one.key, one.attempt) for one in seen if one.key == "ada"] == [("ada", 1), ("ada", 2), ("ada", 1)]
    first, second, follower = (one.began for one in seen if one.key == "ada")
    assert 1.9 < second - first < LATE, "its back-off is 0.2 s"
    assert follower > second
    node.wait_messages("leased", 0)
    assert node.messages("dead") == 0


def test_the_longest_wait_is_the_options(node, mailer):
    node.send(to="ada", text="later 3600")
    first, second = (one.began for one in mailer.wait(2))
    assert 0.35 < second - first < LATE, "`max` is 400 ms"


@pytest.mark.parametrize("status", [429, 503])
def test_an_http_service_says_it_with_retry_after(new_node, status):
    began = []

    class Service(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            began.append((time.monotonic(), self.headers["parley-attempt"]))
            self.send_response(status if len(began) == 1 else 200)
            self.send_header("retry-after", "2")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        at = f"http://127.0.0.1:{server.server_port}"
        node = new_node(contract=PATIENT, services={"mailer": {"serves": ["mail.Mailer"], "at": at}}).start()
        node.send(to="ada")
        end = time.monotonic() + 60
        while len(began) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        node.stop()
        server.shutdown()
    assert [attempt for _, attempt in began] == ["1", "2"]
    assert 1.9 < began[1][0] - began[0][0] < LATE


def test_attempts_run_out(node, mailer):
    node.send(to="ada", text="fail INTERNAL")
    mailer.wait(3)
    node.wait_messages("dead", 1)
    time.sleep(0.6)
    assert len(mailer.seen) == 3


def test_fatal_statuses_go_to_the_dead_letters_at_once(node, mailer):
    node.send(to="ada", text="fail INVALID_ARGUMENT")
    node.send(to="bob", text="fail NOT_FOUND")
    node.wait_messages("dead", 2)
    assert sorted(one.attempt for one in mailer.seen) == [1, 1]


def test_a_dead_letter_does_not_hold_up_its_key(node, mailer):
    node.send(to="ada", text="fail INVALID_ARGUMENT")
    node.send(to="ada", text="fine")
    assert [one.request.text for one in mailer.wait(2)] == ["fail INVALID_ARGUMENT", "fine"]


def test_keys_keep_their_order_and_hold_up_nobody_else(node, mailer):
    keys = ["a", "b", "c"]
    for key in keys:
        node.send(to=key, text="hold")
    mailer.wait_running(3)  # beside one another
    for number in range(1, 16):
        for key in keys:
            node.send(to=key, number=number, text="fail UNAVAILABLE 1" if number % 5 == 0 else "take 0.02")
    mailer.gate.set()
    seen = mailer.wait(3 * (1 + 15 + 3), 60)
    for key in keys:
        numbers = [one.request.number for one in seen if one.request.to == key]
        assert numbers == sorted(numbers)
        assert mailer.most[key] == 1


def test_no_more_in_flight_than_the_option_says(node, mailer):
    for number in range(30):
        node.send(to=f"k{number}", text="hold")
    mailer.wait_running(8)
    time.sleep(0.5)  # enough for one more that must not come
    mailer.gate.set()
    mailer.wait(30)
    assert mailer.most[None] == 8


def test_one_at_a_time_over_all_shards(node, mailer):
    for number in range(10):
        node.send("/mail.Mailer/Note", to=f"k{number}", text="take 0.05")
    mailer.wait(10)
    assert mailer.most[None] == 1


def test_a_lease_is_kept_for_as_long_as_the_handler_works(new_node, mailer):
    # Extended when a third to a half of it is over: what is left is longer than a loaded machine stands still.
    node = new_node(contract={'lease: "60s"': 'lease: "30s"'}).start()
    node.send(to="ada", text="hold")
    mailer.wait(1)
    time.sleep(33)
    node.wait_messages("leased", 1)
    mailer.gate.set()
    node.wait_metric(1, "parley_deliveries_total", queue=QUEUE, outcome="done")
    assert len(mailer.seen) == 1


def test_a_handler_that_hangs_is_ended_and_asked_again(new_node, mailer):
    node = new_node(contract={'timeout: "20s"': 'timeout: "3s"'}).start()
    before = time.monotonic()
    node.send("/mail.Mailer/Note", to="ada", text="hold")
    seen = mailer.wait(2)
    assert [one.attempt for one in seen[:2]] == [1, 2]
    assert 2.9 < seen[1].began - before < LATE


def test_a_service_that_is_down_costs_no_attempts(node, mailer):
    mailer.stop()
    receipt = node.send(to="ada", text="hi")
    time.sleep(1.5)
    assert node.messages("dead") == 0
    mailer.start()
    (seen,) = mailer.wait(1)
    assert (seen.id, seen.attempt) == (receipt["messageId"], 1)


def test_the_state_of_a_call_can_be_asked(node, mailer):
    with node.client() as client:
        sent = client.post("/v1/mails", json={"to": "ada", "text": "fail INVALID_ARGUMENT"})
        node.wait_messages("dead", 1)
        state = client.get(sent.headers["location"])
    assert state.status_code == 200, state.text
    assert state.json()["state"] == "DEAD_LETTER"
    assert "INVALID_ARGUMENT" in state.json()["found"]["reason"]
    assert state.json()["found"]["message"]["id"] == sent.json()["messageId"]


def test_dead_letters_come_back_with_all_their_attempts(node, mailer):
    receipt = node.send(to="ada", text="fail UNAVAILABLE")
    node.wait_messages("dead", 1)
    with node.client() as client:
        answer = client.post("/parley/queues/mail.Mailer/Send:redrive", json={"all": True})
    assert answer.status_code == 200, answer.text
    seen = mailer.wait(6)
    assert [one.attempt for one in seen] == [1, 2, 3, 1, 2, 3]
    assert {one.id for one in seen} == {receipt["messageId"]}


def test_events_reach_their_group(node, mailer):
    headers = {"content-type": "application/json", "ce-specversion": "1.0", "ce-id": "e1", "ce-source": "/test", "ce-type": "mail.Sent"}
    with node.client() as client:
        answer = client.post("/topics/mails", json={"to": "ada"}, headers=headers)
    assert answer.status_code < 300, answer.text
    (seen,) = mailer.wait(1)
    assert (seen.rpc, seen.request.to, seen.id, seen.key, seen.attempt) == ("OnSent", "ada", "e1", "ada", 1)
    assert (seen.metadata["parley-topic"], seen.metadata["parley-group"]) == ("mails", "audit")
    node.wait_metric(1, "parley_deliveries_total", queue="mails", group="audit", outcome="done")


def test_depth_and_age_are_in_the_metrics(node, mailer):
    mailer.stop()
    for _ in range(3):
        node.send(to="ada")
    node.wait_messages("waiting", 3)
    end = time.monotonic() + 60
    while (age := node.metric("parley_queue_oldest_age_seconds", queue=QUEUE)) < 0.5:
        assert time.monotonic() < end, age
        time.sleep(0.1)
    mailer.start()
    node.wait_messages("waiting", 0)


def test_a_new_contract_is_taken_over(new_node, mailer, tmp_path):
    text = """syntax = "proto3"; package mail; import "parley/options.proto"; import "google/protobuf/empty.proto";
        service Mailer {{ rpc Plain(Mail) returns (Mail); {more} }} message Mail {{ string to = 1; string text = 2; }}"""
    note = "rpc Note(Mail) returns (google.protobuf.Empty) { option (parley.queue) = {}; }"
    (tmp_path / "mail.proto").write_text(text.format(more=""))
    node = new_node(contracts=str(tmp_path), data=str(tmp_path / "data")).start()
    assert not (tmp_path / "data").exists(), "a node without queues opens no store"
    # At once, as editors do: half of it may be a contract, too.
    (tmp_path / "new").write_text(text.format(more=note))
    os.replace(tmp_path / "new", tmp_path / "mail.proto")
    end = time.monotonic() + 60
    with node.client() as client:
        while client.post("/mail.Mailer/Note", json={"to": "ada"}).status_code != 202:  # each shard takes it over by itself
            assert time.monotonic() < end, node.log()
            time.sleep(0.1)
    assert "reloaded" in node.log()
    assert mailer.wait(1)[0].rpc == "Note"
