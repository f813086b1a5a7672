"""A node that starts before its backend: it waits, says on /readyz for whom, and stops when it is told to."""

import contextlib
import http.client
import http.server
import signal
import subprocess
import threading
import time
import urllib.parse

import pytest

import parley_node
import pull
from conftest import BACKEND, BINARY, config
from contract import queue_name
from door import Door
from test_queues import job

# Whoever is told to stop while it starts does it at once; those that wait for their backend first take 10 s or 30 s. The time is the node's own, which a
# loaded machine does not make longer (parley_node.own_seconds).
AT_ONCE = 5


def readyz(node):
    """(status, text); (None, "") while nobody answers."""
    admin = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=60)
    try:
        admin.request("GET", "/readyz")
        answer = admin.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None, ""
    finally:
        admin.close()


def wait_readyz(node, status, part="", seconds=90):
    end = time.monotonic() + seconds
    while True:
        now = readyz(node)
        if now[0] == status and part in now[1]:
            return now[1]
        assert node.alive(), f"the node ended with {node.process.returncode}:\n{node.log()}"
        assert time.monotonic() < end, f"/readyz says {now}, not {status} {part!r}\n{node.log()}"
        time.sleep(0.05)


@pytest.fixture
def door(request, backend):
    """The way to the backend, shut. A node has to go it only if its contract has queues: a case that waits for one has a queue."""
    to = urllib.parse.urlsplit(backend.messages).port
    if to is None:
        pytest.skip("there is no way to it that could be shut")
    one = Door(parley_node.free_port(), to, silent=getattr(request, "param", "shut") == "silent")
    yield one
    one.shut()


@pytest.fixture
def launched(contracts, backend):
    """launched(messages): a node that nobody has waited for."""
    nodes = []

    def launch(messages, environment=None, **more):
        settings = {**config(backend, contracts), "messages": messages, "timeouts": {"drain": "1s"}, **more}
        nodes.append(parley_node.Parley(BINARY, settings, env={**backend.environment, **(environment or {})}))
        nodes[-1].launch()
        return nodes[-1]

    yield launch
    for node in nodes:
        if node.alive():
            node.process.kill()
            node.process.wait()
        node.folder.cleanup()


@pytest.fixture
def early(request, launched, backend, door):
    """A node that was started before its backend could be reached."""
    return launched(backend.messages.replace(f":{door.to}", f":{door.port}"), **getattr(request, "param", {}))


@pytest.mark.queue()
def test_ready_once_the_backend_was_reached(early, door):
    why = wait_readyz(early, 503, "was not reached since the start")
    assert f"127.0.0.1:{door.port}" in why
    door.open()
    wait_readyz(early, 200)
    queue = pull.Client(early.port).queue(queue_name("ready_once_the_backend_was_reached"))
    queue.publish(job())
    queue.settle(queue.one())
    door.shut()
    # It counts as reached, wherever it goes. Other nodes would not be better off, and this one goes on by itself.
    for _ in range(20):
        assert readyz(early)[0] == 200
        time.sleep(0.1)


@pytest.mark.queue()
@pytest.mark.parametrize("door", ["shut", "silent"], indirect=True)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_start_that_waits_is_stopped_by_the_first_signal(early, number):
    wait_readyz(early, 503, "was not reached since the start")
    assert early.stop_time(number) < AT_ONCE


@pytest.mark.skipif(BACKEND.__name__ != "Kafka", reason="on the others a node does not serve before they were reached")
@pytest.mark.queue()
@pytest.mark.parametrize("early", [{}, {"services": {"work": {"serves": ["cases.Queues"], "at": "http://127.0.0.1:1"}}}], indirect=True,
                         ids=["publishes", "delivers"])
@pytest.mark.parametrize("door", ["shut", "silent"], indirect=True)
def test_a_node_that_serves_without_its_backend(early, door):
    """Kafka is not waited for: the node serves, is not ready, and stops as soon as it is told to."""
    end = time.monotonic() + 60
    while "serving" not in early.log():
        assert time.monotonic() < end, early.log()
        time.sleep(0.1)
    wait_readyz(early, 503, "was not reached since the start")
    assert early.stop_time() < AT_ONCE


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers everything with what its server holds."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.server.says
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def service():
    one = http.server.ThreadingHTTPServer(("127.0.0.1", parley_node.free_port()), Answers)
    one.daemon_threads = True
    threading.Thread(target=one.serve_forever, daemon=True).start()
    yield one
    one.shutdown()
    one.server_close()


@pytest.mark.skipif(BACKEND.__name__ != "Sqs", reason="of SQS")
class TestSqs:
    def wait_for_refusal(self, node, part):
        with contextlib.suppress(subprocess.TimeoutExpired):
            node.process.wait(90)
        assert node.process.poll() not in (None, 0), f"it did not end:\n{node.log()}"
        assert part in node.log()
        assert "waited 30 s for it" not in node.log(), "it would have waited for what passes"

    @pytest.mark.queue()
    def test_a_service_in_trouble_is_waited_for_and_a_refusal_is_not(self, launched, service):
        service.says = (503, b"")
        node = launched(f"sqs+http://127.0.0.1:{service.server_port}?region=eu-west-1")
        wait_readyz(node, 503, "HTTP 503")
        service.says = (403, b'{"__type": "com.amazonaws.sqs#InvalidClientTokenId", "message": "who are you?"}')
        self.wait_for_refusal(node, "InvalidClientTokenId: who are you?")

    @pytest.mark.queue()
    def test_a_name_that_is_not_known_yet(self, launched):
        node = launched("sqs+http://parley-no-such-host.invalid:9324?region=eu-west-1")
        wait_readyz(node, 503, "parley-no-such-host.invalid")
        assert node.stop_time() < AT_ONCE

    def test_no_credentials(self, launched):
        node = launched("sqs://eu-west-1", {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
        self.wait_for_refusal(node, "AWS_ACCESS_KEY_ID")
