"""A call to a queue's rpc, over every edge: it is answered with a receipt, and the service is called later."""

import json
import re
import time

import grpc
import httpx
import pytest
from mailer import pb, pb_grpc, receipt_pb2
from sockets import Http1Socket

QUEUE = "mail.Mailer/Send"
MAIL = {"to": "ada", "text": "hi"}


def over_rest(node):
    with node.client() as client:
        answer = client.post("/v1/mails", json=MAIL)
    assert answer.status_code == 202
    assert re.fullmatch(r"/parley/queues/mail\.Mailer/Send/messages/[\w.~%-]+", answer.headers["location"])
    with node.client() as client:
        state = client.get(answer.headers["location"])
    assert state.status_code in (200, 404), state.text  # 404: it is handled, and gone
    return answer.json()


def over_grpc(node):
    with grpc.insecure_channel(f"127.0.0.1:{node.port}") as channel:
        receipt = pb_grpc.MailerStub(channel).Send(pb.Mail(**MAIL), timeout=60)
    return {"messageId": receipt.message_id, "queue": receipt.queue, "key": receipt.key}


def over_connect_json(node):
    with node.client() as client:
        answer = client.post("/mail.Mailer/Send", json=MAIL, headers={"connect-protocol-version": "1"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def over_connect_proto(node):
    with node.client() as client:
        answer = client.post("/mail.Mailer/Send", content=pb.Mail(**MAIL).SerializeToString(), headers={"content-type": "application/proto"})
    assert answer.status_code == 200, answer.text
    receipt = receipt_pb2.Receipt.FromString(answer.content)
    return {"messageId": receipt.message_id, "queue": receipt.queue, "key": receipt.key}


def over_graphql(node):
    field = "mutation($mail: MailInput!) { send(input: $mail) { messageId queue key } }"
    with node.client() as client:
        answer = client.post("/graphql", json={"query": field, "variables": {"mail": MAIL}})
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]["send"]


def over_websocket(node):
    with Http1Socket(node.port, "/ws/mail.Mailer/Send") as socket:
        socket.send(message=MAIL)
        frames = [socket.next(), socket.next(), socket.next()]
    return next(frame["message"] for frame in frames if "message" in frame)


@pytest.mark.parametrize("call", [over_rest, over_grpc, over_connect_json, over_connect_proto, over_graphql, over_websocket])
def test_every_edge_gets_a_receipt_and_the_service_its_call(node, mailer, call):
    receipt = call(node)
    assert receipt["queue"] == QUEUE
    assert receipt["key"] == "ada"
    (seen,) = mailer.wait(1)
    assert seen.id == receipt["messageId"]
    assert (seen.request.to, seen.request.text) == ("ada", "hi")
    assert (seen.attempt, seen.key) == (1, "ada")
    assert seen.metadata["parley-queue"] == QUEUE
    node.wait_metric(1, "parley_deliveries_total", queue=QUEUE, outcome="done")
    for shelf in ("leased", "waiting"):
        node.wait_messages(shelf, 0)


def test_an_rpc_that_returns_empty(node, mailer):
    assert node.send("/mail.Mailer/Note", to="ada") == {}
    assert mailer.wait(1)[0].rpc == "Note"


def test_rpcs_without_a_queue_are_called_at_once(node):
    with node.client() as client:
        answer = client.post("/mail.Mailer/Plain", json=MAIL)
    assert (answer.status_code, answer.json()) == (200, MAIL)


def test_what_is_not_of_its_type_is_refused_at_the_door(node, mailer):
    with node.client() as client:
        answer = client.post("/v1/mails", json={"to": ["ada"]})
        assert answer.status_code == 400
        assert "to" in answer.json()["detail"]
        answer = client.post("/mail.Mailer/Send", content=b"\x0a\x03\xff\xff\xff", headers={"content-type": "application/proto"})
        assert answer.json()["code"] == "invalid_argument"
        assert "$.to" in answer.json()["message"]
    with grpc.insecure_channel(f"127.0.0.1:{node.port}") as channel:
        send = channel.unary_unary("/mail.Mailer/Send", lambda raw: raw, lambda raw: raw)
        with pytest.raises(grpc.RpcError) as raised:
            send(b"\x0a\x09cut off", timeout=60)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert node.messages("waiting") + node.messages("dead") == 0
    assert not mailer.seen


def test_the_same_call_again_gets_the_first_ones_receipt(node, mailer):
    first = node.send(**MAIL, requestId="r1")
    again = node.send(**MAIL, requestId="r1")
    assert again["messageId"] == first["messageId"]
    assert again["duplicate"] is True
    other = node.send(**MAIL, requestId="r2")
    assert "duplicate" not in other
    assert [seen.id for seen in mailer.wait(2)] == [first["messageId"], other["messageId"]]


def test_a_later_time(node, mailer):
    node.send(**MAIL, headers={"parley-delay": "1h"})
    began = time.monotonic()
    node.send(**{**MAIL, "to": "bob"}, headers={"parley-delay": "1s"})
    (seen,) = mailer.wait(1)
    assert seen.key == "bob"
    assert 0.9 < seen.began - began < 50
    node.wait_messages("delayed", 1)
    assert "parley-delay" not in seen.metadata
    with node.client() as client:
        answer = client.post("/v1/mails", json=MAIL, headers={"parley-due": "tomorrow"})
    assert answer.status_code == 400
    assert "parley-due" in answer.json()["detail"]


def test_metadata_travels_and_credentials_do_not(node, mailer):
    trace = "0af7651916cd43dd8448eb211c80319c"
    node.send(**MAIL, headers={"x-tenant": "t1", "authorization": "Bearer secret", "cookie": "a=b", "parley-attempt": "77",
                               "parley-message-id": "mine", "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    (seen,) = mailer.wait(1)
    assert seen.metadata["x-tenant"] == "t1"
    assert not {"authorization", "cookie"} & seen.metadata.keys()
    assert seen.attempt == 1
    assert seen.id != "mine"
    assert seen.metadata["traceparent"].split("-")[1] == trace


def test_a_handler_can_still_be_called_directly_where_no_queue_stands(node, mailer):
    with node.client() as client:
        answer = client.post("/mail.Mailer/OnSent", json={"to": "ada"})
    assert answer.status_code == 200
    assert mailer.wait(1)[0].attempt == 0


def test_openapi_says_202(node):
    with node.client() as client:
        document = json.loads(client.get("/openapi.json").text)
    responses = document["paths"]["/v1/mails"]["post"]["responses"]
    assert "202" in responses and "200" not in responses


def test_health_is_not_in_the_way(node):
    assert httpx.get(f"http://127.0.0.1:{node.admin}/readyz", trust_env=False).status_code == 200
