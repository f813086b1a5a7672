"""SIGTERM under load: no call fails in a rolling stop."""

import threading
import time

import grpc
import httpx
import parley_node
import suite
from awkward_fixtures import BINARY, pb, pb_grpc
from google.protobuf import empty_pb2


def test_a_rolling_stop_fails_no_call(backend):
    """Two nodes on one port (SO_REUSEPORT), as in a rolling deploy; one is stopped while clients call without a pause."""
    port = parley_node.free_port()
    config = suite.awkward_config(backend.port, listen=f"127.0.0.1:{port}")
    stop = threading.Event()
    done, failures = [0], []

    def http_client():
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            while not stop.is_set():
                try:
                    answer = client.get("/v1/sleep/5")
                    if answer.status_code != 200:
                        failures.append(answer.text)
                except httpx.HTTPError as error:
                    failures.append(repr(error))
                done[0] += 1

    def grpc_client():
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = pb_grpc.AwkwardStub(channel)
            while not stop.is_set():
                try:
                    stub.Sleep(pb.SleepRequest(ms=5), timeout=60)
                except grpc.RpcError as error:
                    failures.append(str(error))
                done[0] += 1

    with parley_node.Parley(BINARY, config) as staying:
        leaving = parley_node.Parley(BINARY, {**config}).start()
        clients = [threading.Thread(target=t) for t in [http_client] * 6 + [grpc_client] * 4]
        for client in clients:
            client.start()
        try:
            wait_until(lambda: done[0] > 200)  # on both nodes
            leaving.stop()
            after = done[0]
            wait_until(lambda: done[0] > after + 50)  # and on the one that stays
        finally:
            stop.set()
            for client in clients:
                client.join()
        assert staying.alive()
    assert not failures, failures[:5]


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never was"
        time.sleep(0.02)


def running(backend):
    """How many calls are at work in the service."""
    with grpc.insecure_channel(f"127.0.0.1:{backend.port}") as channel:
        return pb_grpc.AwkwardStub(channel).Census(empty_pb2.Empty(), timeout=60).running


def test_a_call_in_flight_finishes_and_new_connections_are_refused(new_node, backend):
    node = new_node(timeouts={"drain": "60s"})
    answers = []

    def slow():
        answers.append(httpx.get(f"http://127.0.0.1:{node.port}/v1/sleep/4000", trust_env=False, timeout=60))

    def refused():
        try:
            httpx.get(f"http://127.0.0.1:{node.port}/v1/get/n", trust_env=False)
            return False
        except httpx.ConnectError:
            return True

    wait_until(lambda: running(backend) == 0)
    client = threading.Thread(target=slow)
    client.start()
    wait_until(lambda: running(backend) == 1)
    stopping = threading.Thread(target=node.stop)
    stopping.start()
    wait_until(refused)
    was_in_flight = client.is_alive()
    client.join()
    stopping.join()
    assert was_in_flight, "new connections were taken until the last call was over"
    assert answers[0].status_code == 200


def test_a_call_beyond_the_drain_limit_is_cut_off(new_node, backend):
    node = new_node(timeouts={"drain": "300ms"})
    wait_until(lambda: running(backend) == 0)
    outcome = []

    def slow():
        try:
            outcome.append(httpx.get(f"http://127.0.0.1:{node.port}/v1/sleep/40000", trust_env=False, timeout=60).status_code)
        except httpx.HTTPError as error:
            outcome.append(error)

    client = threading.Thread(target=slow)
    client.start()
    wait_until(lambda: running(backend) == 1)
    began = time.monotonic()
    node.stop()
    assert time.monotonic() - began < 20
    client.join()
    assert outcome and outcome[0] != 200
