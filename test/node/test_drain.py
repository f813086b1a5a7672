"""SIGTERM under load: no call fails in a rolling stop."""

import signal
import socket
import subprocess
import threading
import time

import grpc
import httpx
import parley_node
import suite
from awkward_fixtures import BINARY, pb, pb_grpc
from google.protobuf import empty_pb2


GRACE = 1  # seconds: as in net/h1_server.cc


def test_a_rolling_stop_fails_no_call(backend):
    """Two nodes on one port (SO_REUSEPORT), as in a rolling deploy; one is stopped while clients call without a pause."""
    port = parley_node.free_port()
    config = suite.awkward_config(backend.port, listen=f"127.0.0.1:{port}")
    stop = threading.Event()
    done, failures, reset_by_kernel = [0], [], []

    def http_client():
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            before = time.monotonic()  # when the request before began: what came on its connection since is not known to be read
            while not stop.is_set():
                began, steps = time.monotonic(), []
                try:
                    answer = client.get("/v1/sleep/5", extensions={"trace": lambda step, _: steps.append(step)})
                    if answer.status_code != 200:
                        failures.append(answer.text)
                except httpx.TransportError as error:
                    if "http11.receive_response_headers.complete" in steps:
                        failures.append(repr(error))
                    elif "connection.connect_tcp.started" in steps:
                        # Accepted by the kernel between a listener's last look and its close: nobody but the kernel can keep it.
                        reset_by_kernel.append(repr(error))
                    elif time.monotonic() - before < GRACE:
                        failures.append(repr(error))
                    # Else this process stood still for longer than a draining node waits for an idle connection's next request
                    # (RFC 9112 section 9.3.1: a client has to reckon with that, and asks again).
                before = began
                done[0] += 1

    def grpc_client():
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = pb_grpc.AwkwardStub(channel)
            while not stop.is_set():
                try:
                    # Waits for a connection where there is none, as above; a call that was sent fails all the same.
                    stub.Sleep(pb.SleepRequest(ms=5), timeout=60, wait_for_ready=True)
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
    assert len(reset_by_kernel) <= 3, reset_by_kernel


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never was"
        time.sleep(0.02)


def running(backend):
    """How many calls are at work in the service."""
    with grpc.insecure_channel(f"127.0.0.1:{backend.port}") as channel:
        return pb_grpc.AwkwardStub(channel).Census(empty_pb2.Empty(), timeout=60).running


def test_calls_in_flight_finish_and_new_connections_are_refused(new_node):
    """In flight is what the test itself holds back: no clock ends the calls before new connections are refused."""
    node = new_node(timeouts={"drain": "120s"})
    refused_by_now = threading.Event()

    def lines():
        yield pb.Line(text="before")
        assert refused_by_now.wait(120)
        yield pb.Line(text="after")

    def refused():
        try:
            httpx.get(f"http://127.0.0.1:{node.port}/v1/get/n", trust_env=False)
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            pass  # taken in the listener's last moment, and given up when this process was slow to ask
        return False

    with socket.create_connection(("127.0.0.1", node.port), 60) as peer, grpc.insecure_channel(f"127.0.0.1:{node.port}") as channel:
        peer.sendall(b"POST /v1/post HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 14\r\nexpect: 100-continue\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 100 ")  # the call has begun, and waits for its body
        chat = pb_grpc.AwkwardStub(channel).Chat(lines(), timeout=120)
        assert next(chat).text == "BEFORE"
        stopping = threading.Thread(target=node.stop)
        stopping.start()
        wait_until(refused)
        peer.sendall(b'{"text":"abc"}')
        answer = b""
        while part := peer.recv(65536):
            answer += part
        refused_by_now.set()
        rest = [line.text for line in chat]
        stopping.join()
    assert answer.startswith(b"HTTP/1.1 200 ") and b'"text":"abc"' in answer
    assert rest == ["AFTER"]


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
    node.stop()
    client.join()
    assert outcome and outcome[0] != 200, "it was waited for"


def test_a_stop_before_there_is_a_node_is_a_clean_one(backend):
    """What comes while the configuration is read is kept for the node."""
    node = parley_node.Parley(BINARY, suite.awkward_config(backend.port))
    node.write_config(node.config)
    with open(node.config_path, "a") as file:
        file.write("# much to read\n" * 1_000_000)
    with open(node.log_path, "ab") as log:
        node.process = subprocess.Popen([node.binary, "up", node.config_path], stdout=log, stderr=log, cwd=node.cwd, preexec_fn=parley_node.die_with_parent)
    wait_until(lambda: ignores(node.process.pid, signal.SIGPIPE))  # the first that its main does, or nearly
    node.signal(signal.SIGTERM)
    assert node.process.wait(60) == 0, node.log()
    node.folder.cleanup()


def ignores(pid, number):
    with open(f"/proc/{pid}/status") as status:
        mask = next(int(line.split()[1], 16) for line in status if line.startswith("SigIgn:"))
    return mask >> (number - 1) & 1
