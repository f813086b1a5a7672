"""`parley queue` and `parley topic` against a running node: what they print, and their exit codes. The embedded store's run is enough."""

import json
import subprocess

import pytest

from conftest import BACKEND, BINARY
from test_queues import job

pytestmark = pytest.mark.skipif(BACKEND.__name__ != "Embedded", reason="the commands know no backend")


@pytest.fixture
def cli(node):
    def run(*arguments, code=0, stdin=None):
        done = subprocess.run([BINARY, *arguments, "--node", f"127.0.0.1:{node.port}"], capture_output=True, text=True, input=stdin, timeout=60)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr
    return run


@pytest.mark.queue("key")
def test_looking_into_a_queue(queue, cli):
    for key in ("a", "b"):
        queue.publish(job(key, 7))
        queue.settle(queue.one(), "KILL", reason=f"UNAVAILABLE: no {key}")
    queue.publish(job("c", 8))
    row = next(line for line in cli("queue", "ls").splitlines() if line.startswith(queue.name + " "))
    assert row.split()[1:6] == ["-", "1", "0", "0", "2"]
    listed = {one["queue"]: one for one in json.loads(cli("queue", "ls", "--json"))["queues"]}
    assert listed[queue.name]["dead"] == "2"
    assert "\x1b" not in cli("queue", "ls"), "colour is for terminals"
    peeked = cli("queue", "peek", queue.name, "--shelf", "dead")
    assert "UNAVAILABLE: no a" in peeked
    assert '{"key":"a","number":"7"}' in peeked
    assert len(json.loads(cli("queue", "peek", queue.name, "--json", "-n", "1"))["messages"]) == 1
    assert cli("queue", "redrive", queue.name, "--key", "a", "--dry-run") == "1 would wait again\n"
    assert cli("queue", "redrive", queue.name, "--reason", "no a", "--rate", "5") == "1 wait again\n"
    assert json.loads(cli("queue", "redrive", queue.name, "--all", "--json")) == {"count": "1"}
    cli("queue", "pause", queue.name)
    assert "paused" in cli("queue", "ls")
    cli("queue", "resume", queue.name)
    assert "--yes" in cli("queue", "purge", queue.name, "--shelf", "waiting", code=2, stdin="")
    assert cli("queue", "purge", queue.name, "--shelf", "waiting", "--yes") == "3 thrown away\n"


@pytest.mark.topic
def test_looking_into_a_topic(topic, cli):
    assert " at 1" in cli("topic", "publish", topic.name, '{"key":"k","number":"1"}', "--type", topic.type)
    assert cli("topic", "publish", topic.name, "-", "--type", topic.type, stdin='{"number":"2"}\n{"number":"3"}\n').count("\n") == 2
    lines = cli("topic", "tail", topic.name, "--from", "earliest", "-n", "3").splitlines()
    assert [line.split()[-1] for line in lines] == ['{"key":"k","number":"1"}', '{"number":"2"}', '{"number":"3"}']
    position = lines[0].split()[0]
    events = [json.loads(line) for line in cli("topic", "tail", topic.name, "--from", position, "-n", "2", "--json").splitlines()]
    assert [event["message"]["json"]["number"] for event in events] == ["2", "3"]
    assert [topic.name, "audit", "3"] in [line.split()[:3] for line in cli("topic", "ls").splitlines()]
    assert position in cli("topic", "seek", topic.name, "audit", "--to", position)
    assert json.loads(cli("topic", "seek", topic.name, "audit", "--to", "earliest", "--json")) == {"position": ""}


@pytest.mark.topic
def test_a_slip_makes_no_group_and_a_place_that_is_none_is_explained(topic, cli):
    assert 'no group "audi" (did you mean "audit"?); --make makes it' in cli("topic", "seek", topic.name, "audi", "--to", "earliest", code=1)
    assert [topic.name, "audi"] not in [line.split()[:2] for line in cli("topic", "ls").splitlines()]
    cli("topic", "seek", topic.name, "reader", "--to", "latest", "--make")
    assert [topic.name, "reader"] in [line.split()[:2] for line in cli("topic", "ls").splitlines()]
    assert "--to is earliest, latest, an RFC 3339 time" in cli("topic", "seek", topic.name, "reader", "--to", "lastest", code=1)
    assert "--from is earliest, latest, an RFC 3339 time" in cli("topic", "tail", topic.name, "--from", "lastest", code=1)


@pytest.mark.topic
def test_a_group_is_deleted_by_whoever_means_it(topic, cli):
    cli("topic", "seek", topic.name, "reader", "--to", "latest", "--make")
    assert "--yes" in cli("topic", "delete-group", topic.name, "reader", code=2, stdin="")
    assert 'no group "raeder" (did you mean "reader"?)' in cli("topic", "delete-group", topic.name, "raeder", "--yes", code=1)
    assert "is in use" in cli("topic", "delete-group", topic.name, "audit", "--yes", code=1)
    assert cli("topic", "delete-group", topic.name, "reader", "--yes") == f"{topic.name} has no group reader any more\n"
    assert [topic.name, "reader"] not in [line.split()[:2] for line in cli("topic", "ls").splitlines()]
    assert "NOT_FOUND" in cli("topic", "delete-group", topic.name, "reader", "-y", "--json", code=1)


def test_what_goes_wrong_says_so(cli, node):
    assert "NOT_FOUND" in cli("queue", "peek", "cases.Queues/Nothing", code=1)
    assert json.loads(cli("topic", "seek", "nothing", "g", "--to", "latest", "--json", code=1))["code"] == "NOT_FOUND"
    cli("queue", "peek", "cases.Queues/Nothing", "--shelf", "top", code=2)
    cli("queue", "redrive", "cases.Queues/Nothing", code=1)
    cli("queue", "redrive", "cases.Queues/Nothing", "--all", "--rate", "-1", code=2)
    cli("queue", "peek", "cases.Queues/Nothing", "-n", "0", code=2)
    assert "parley queue: no command 'pek' (did you mean 'peek'?)" in cli("queue", "pek", code=2)
    done = subprocess.run([BINARY, "queue", "ls", "--node", "127.0.0.1:1"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Is a node running at 127.0.0.1:1?" in done.stderr
    for command in (["queue"], ["topic"], ["queue", "redrive"], ["topic", "tail"], ["topic", "delete-group"]):
        help_text = subprocess.run([BINARY, *command, "--help"], capture_output=True, text=True, timeout=60)
        assert help_text.returncode == 0
        assert "Example:\n  parley " in help_text.stdout
    assert node.alive()


@pytest.mark.queue()
def test_who_came_through_a_proxy_is_not_local(queue):
    for name in ("X-Forwarded-For", "Forwarded", "Via"):
        status, _, text = queue.client.request("GET", f"/parley/queues/{queue.name}:stats", headers={name: "1.2.3.4"})
        assert (status, json.loads(text)["reason"]) == (403, "pull_api_local")
    status, _, _ = queue.client.request("POST", "/topics/any", "{}", {"content-type": "application/json", "x-forwarded-for": "1.2.3.4"})
    assert status in (400, 403)
