"""PublishStream and LeaseStream, by grpcio with classes that protoc made of the files that Parley ships."""

import importlib
import os
import queue as queues
import subprocess
import sys

import grpc
import pytest
from conftest import BACKEND

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The module of parley/queues.proto."""
    folder = tmp_path_factory.mktemp("api")
    contracts = os.path.join(ROOT, "contracts")
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{contracts}", f"--python_out={folder}", "parley/queues.proto"], check=True)
    sys.path.insert(0, str(folder))
    return importlib.import_module("parley.queues_pb2")


class Stream:
    """A bidirectional call: `send`, `receive`, `end`."""

    def __init__(self, node, api, method, request, reply):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{node.port}")
        self.requests = queues.Queue()
        call = self.channel.stream_stream(f"/parley.Queues/{method}", request_serializer=request.SerializeToString,
                                          response_deserializer=reply.FromString)
        self.replies = call(iter(self.requests.get, None), timeout=240)
        self.request = request

    def send(self, **message):
        self.requests.put(self.request(**message))

    def receive(self):
        return next(self.replies)

    def end(self):
        self.requests.put(None)
        return list(self.replies)


@pytest.mark.queue("key")
def test_a_stream_of_publishes(queue, node, api):
    stream = Stream(node, api, "PublishStream", api.PublishStreamRequest, api.PublishStreamResponse)
    for n in range(50):
        stream.send(tag=n, publish=api.PublishRequest(queue=queue.name, message=api.Message(content_type="application/json",
                                                                                           payload=b'{"key":"k","number":"%d"}' % n)))
    stream.send(tag=99, publish=api.PublishRequest(queue="cases.Queues/Nothing"))
    replies = {reply.tag: reply for reply in stream.end()}
    assert sorted(replies) == [*range(50), 99]
    assert replies[99].error.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert all(replies[n].receipt.id for n in range(50))
    assert [int(d["message"]["json"].get("number", 0)) for d in queue.drain(50)] == list(range(50))


@pytest.mark.skipif(not BACKEND.finds_by_position, reason="its positions lead to no message")
@pytest.mark.queue()
def test_a_message_is_found_however_deep_it_lies(queue, node, api):
    stream = Stream(node, api, "PublishStream", api.PublishStreamRequest, api.PublishStreamResponse)
    for n in range(10_050):
        stream.send(tag=n, publish=api.PublishRequest(queue=queue.name, message=api.Message(content_type="application/json", payload=b"{}")))
    receipts = {reply.tag: reply.receipt for reply in stream.end()}
    last = receipts[10_049]
    found = queue.client.call("GET", f"/parley/queues/{queue.name}/messages/{last.position}")
    assert (found["state"], found["found"]["message"]["id"]) == ("WAITING_FOR_DELIVERY", last.id)
    assert int(queue.do("purge", shelf="WAITING")["count"]) == 10_050
    assert queue.client.call("GET", f"/parley/queues/{queue.name}/messages/{last.position}").get("state", "DONE_OR_UNKNOWN") == "DONE_OR_UNKNOWN"


@pytest.mark.queue()
def test_a_stream_of_deliveries(queue, node, api):
    for n in range(5):
        queue.publish({"number": str(n)})
    stream = Stream(node, api, "LeaseStream", api.LeaseStreamRequest, api.LeaseStreamResponse)
    stream.send(start=api.LeaseStreamRequest.Start(queue=queue.name))
    stream.send(credit=2)
    first, second = stream.receive().delivery, stream.receive().delivery
    assert {first.attempt, second.attempt} == {1}
    stream.send(settle=api.Settlement(lease_id=first.lease_id))
    settled = stream.receive().settled
    assert (settled.lease_id, settled.HasField("error")) == (first.lease_id, False)
    stream.send(settle=api.Settlement(lease_id=first.lease_id))
    assert stream.receive().settled.error.code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    stream.send(credit=1)
    assert stream.receive().delivery.message.id
    assert stream.end() == []
    # What was delivered and not settled is there at once, and was no attempt.
    rest = []
    while len(rest) < 4:
        delivery = queue.one()
        rest.append(delivery["attempt"])
        queue.settle(delivery)
    assert rest == [1, 1, 1, 1]
    queue.none()
