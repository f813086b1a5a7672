"""SIGTERM under load: no call fails in a rolling stop."""

import threading
import time

import grpc
import httpx
import parley_node
import suite
from awkward_fixtures import BINARY, pb, pb_grpc


def test_a_rolling_stop_fails_no_call(backend):
    """Two nodes on one port (SO_REUSEPORT), as in a rolling deploy; one is stopped while clients call without a pause."""
    port = parley_node.free_port()
    config = suite.awkward_config(backend.port, listen=f"127.0.0.1:{port}")
    stop = threading.Event()
    done, failures = [0], []

    def http_client():
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client:
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
                    stub.Sleep(pb.SleepRequest(ms=5), timeout=20)
                except grpc.RpcError as error:
                    failures.append(str(error))
                done[0] += 1

    with parley_node.Parley(BINARY, config) as staying:
        leaving = parley_node.Parley(BINARY, {**config}).start()
        clients = [threading.Thread(target=t) for t in [http_client] * 6 + [grpc_client] * 4]
        for client in clients:
            client.start()
        try:
            time.sleep(1)  # calls on both nodes
            leaving.stop()
            time.sleep(0.5)  # and on the one that stays
        finally:
            stop.set()
            for client in clients:
                client.join()
        assert staying.alive()
    assert not failures, failures[:5]
    assert done[0] > 200


def test_a_call_in_flight_finishes_and_new_connections_are_refused(new_node):
    node = new_node()
    answers = []

    def slow():
        answers.append(httpx.get(f"http://127.0.0.1:{node.port}/v1/sleep/1500", trust_env=False, timeout=20))

    client = threading.Thread(target=slow)
    client.start()
    time.sleep(0.4)
    stopping = threading.Thread(target=node.stop)
    stopping.start()
    time.sleep(0.4)
    try:
        httpx.get(f"http://127.0.0.1:{node.port}/v1/get/n", trust_env=False)
        refused = False
    except httpx.ConnectError:
        refused = True
    client.join()
    stopping.join()
    assert refused
    assert answers[0].status_code == 200


def test_a_call_beyond_the_drain_limit_is_cut_off(new_node):
    node = new_node(timeouts={"drain": "300ms"})
    outcome = []

    def slow():
        try:
            outcome.append(httpx.get(f"http://127.0.0.1:{node.port}/v1/sleep/10000", trust_env=False, timeout=20).status_code)
        except httpx.HTTPError as error:
            outcome.append(error)

    client = threading.Thread(target=slow)
    client.start()
    time.sleep(0.3)
    began = time.monotonic()
    node.stop()
    assert time.monotonic() - began < 5
    client.join()
    assert outcome and outcome[0] != 200
