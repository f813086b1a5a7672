"""Deleting the groups of topics that nobody consumes any more, whoever keeps them. Contracts change here: each case has a node of its own."""

import contextlib
import signal
import threading
import time

import pytest

import parley_node
import pull
from conftest import BACKEND, BINARY, case_name
from contract import camel
from pull import ApiError, number

FRONT = BACKEND.__name__ == "Parley"


def contract(topic, key, groups):
    """`groups`: name to where it begins."""
    text = f"""syntax = "proto3";
package groups;
import "google/protobuf/empty.proto";
import "parley/options.proto";
message {camel(topic)}Fact {{
  option (parley.event) = {{topic: "{topic}"{key}}};
  string key = 1;
  int64 number = 2;
}}
service Facts {{
"""
    for group, start in groups.items():
        text += f"  rpc {camel(topic)}To{camel(group)}({camel(topic)}Fact) returns (google.protobuf.Empty) {{\n"
        text += f'    option (parley.subscribe) = {{group: "{group}" start: {start}}};\n  }}\n'
    return text + "}\n"


class Service:
    """A node whose contract loses groups and gets them again; with its keeper, where another node keeps the messages."""

    def __init__(self, topic, backend, folder, cleanup):
        self.topic_name = topic
        self.backend = backend
        self.folder = folder
        self.cleanup = cleanup
        self.nodes = []

    def declare(self, groups, key="", how=signal.SIGTERM):
        (self.folder / "groups.proto").write_text(contract(self.topic_name, key, groups))
        if self.nodes:
            self.restart(how)
            return
        messages = self.backend.messages
        if FRONT:
            keeper = self.start("embedded")
            messages = f"parley://127.0.0.1:{keeper.port}"
        self.start(messages)
        self.client = pull.Client(self.nodes[-1].port)
        self.topic = self.client.topic(self.topic_name)

    def start(self, messages):
        config = {"contracts": str(self.folder), "messages": messages, "shards": 2}
        node = parley_node.Parley(BINARY, config, env=self.backend.environment, ready_seconds=120)
        self.nodes.append(self.cleanup.enter_context(node))
        return node

    def restart(self, how=signal.SIGTERM):
        for node in reversed(self.nodes):
            if how == signal.SIGTERM:
                node.stop()
            else:
                node.signal(how)
                node.process.wait()
        for node in self.nodes:
            node.start()

    def other_client(self):
        """Of another node beside this one; of the same one where a store has but one node."""
        if BACKEND.__name__ == "Embedded":
            return self.client
        return pull.Client(self.start(self.nodes[-1].config["messages"]).port)

    def group(self, name, client=None):
        return (client or self.client).queue(self.topic_name, name)

    def publish(self, *ns):
        for n in ns:
            self.topic.publish(f"groups.{camel(self.topic_name)}Fact", {"key": "k", "number": str(n)})

    def groups(self):
        listed = self.client.call("GET", "/parley/topics")["topics"]
        return {group["group"] for topic in listed if topic["topic"] == self.topic_name for group in topic.get("groups", [])}

    def delete(self, group):
        return self.client.call("DELETE", f"/parley/topics/{self.topic_name}/groups/{group}")

    def refusal(self, group):
        with pytest.raises(ApiError) as error:
            self.delete(group)
        return error.value

    def delete_when_free(self, group, seconds=120):
        """Some backends cannot tell what waits for another attempt from what somebody has."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                return self.delete(group)
            except ApiError as error:
                if error.reason != "group_in_use" or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)


@pytest.fixture
def service(request, backend, tmp_path):
    with contextlib.ExitStack() as cleanup:
        yield Service(case_name(request.node), backend, tmp_path, cleanup)


@pytest.mark.parametrize("key", ["keyed", "plain"])
def test_a_group_goes_with_all_it_had(service, key):
    key = ' key: "key"' if key == "keyed" else ""
    both = {"stay": "EARLIEST", "gone": "LATEST"}
    service.declare(both, key)
    service.publish(1, 2, 3)
    gone = service.group("gone")
    gone.settle(gone.one(60), "KILL", reason="no")
    gone.settle(gone.one(60), "RETRY", delay="6s")
    service.declare({"stay": "EARLIEST"}, key)
    assert service.groups() == {"stay", "gone"}
    service.delete_when_free("gone")
    assert service.groups() == {"stay"}
    assert service.refusal("gone").code == "NOT_FOUND"
    with pytest.raises(ApiError) as error:
        gone.stats()
    assert error.value.code == "NOT_FOUND"
    service.restart(signal.SIGKILL)
    assert service.groups() == {"stay"}, "it is gone for good"
    assert sorted(number(delivery) for delivery in service.group("stay").drain(3)) == [1, 2, 3]
    service.publish(4)
    service.declare(both, key)
    assert service.groups() == {"stay", "gone"}
    service.publish(5)
    delivery = gone.one(60)
    assert (number(delivery), delivery["attempt"]) == (5, 1), "it begins as a new one does"
    gone.settle(delivery)
    gone.none(7.0)
    assert gone.peek("DEAD") == []
    assert sorted(number(delivery) for delivery in service.group("stay").drain(2)) == [4, 5]


@pytest.mark.topic
def test_a_group_of_the_contract_stays(topic, group):
    with pytest.raises(ApiError) as error:
        topic.client.call("DELETE", f"/parley/topics/{topic.name}/groups/audit")
    assert (error.value.code, error.value.reason) == ("FAILED_PRECONDITION", "group_in_use")
    assert f"cases.Queues/{camel(topic.name)}ToAudit" in error.value.detail
    assert group("audit").count("dead") == 0


@pytest.mark.topic
def test_a_group_that_is_not_there(topic):
    for path, says in ((f"{topic.name}/groups/audti", 'no group "audti" (did you mean "audit"?)'), ("nothing/groups/audit", "nothing")):
        with pytest.raises(ApiError) as error:
            topic.client.call("DELETE", f"/parley/topics/{path}")
        assert error.value.code == "NOT_FOUND"
        assert says in error.value.detail


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_group_that_somebody_takes_from_stays(service, where):
    service.declare({"stay": "EARLIEST", "used": "EARLIEST"})
    service.declare({"stay": "EARLIEST"})
    used = service.group("used", service.other_client() if where == "elsewhere" else None)
    got = []
    waiting = threading.Thread(target=lambda: got.extend(used.lease(1, 120.0, 60)))
    waiting.start()
    # It has asked its broker, which gives it its share. Nothing tells when that is so, and a group that nobody waits for yet would be gone: long.
    time.sleep(15.0)
    if where == "here" or "waits_elsewhere" not in BACKEND.lacks:
        refused = service.refusal("used")
        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "group_in_use"), refused
        assert '"used"' in refused.detail and service.topic_name in refused.detail
    service.publish(1)
    waiting.join()
    assert [number(delivery) for delivery in got] == [1]
    assert service.refusal("used").reason == "group_in_use", "it is leased"
    used.settle(got[0])
    if where == "elsewhere" and len(service.nodes) > 1 and not FRONT:
        service.nodes.pop().stop()  # a node of Kafka's groups is one of them for a while
    service.delete_when_free("used")
    assert service.groups() == {"stay"}


@pytest.mark.topic
def test_the_group_of_a_reader_goes(topic):
    topic.publish(topic.type, {"key": "k"})
    events = topic.read_all(1, earliest=True)
    topic.commit("reader", events[0]["position"])
    path = f"/parley/topics/{topic.name}/groups/reader"
    topic.client.call("DELETE", path)
    with pytest.raises(ApiError) as error:
        topic.client.call("DELETE", path)
    assert error.value.code == "NOT_FOUND"
