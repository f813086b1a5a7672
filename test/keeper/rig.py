"""What the tests stand on: the two nodes, a handler that notes what it is called with, and a network that can be cut."""

import collections
import http.client
import http.server
import json
import os
import socket
import threading
import time

import parley_node

HERE = os.path.dirname(os.path.abspath(__file__))
CONTRACTS = os.path.join(HERE, "contracts")
BINARY = os.environ["PARLEY_BINARY"]

# `id` is the job's, which its publisher gave it; `message` is the one of what was stored.
Seen = collections.namedtuple("Seen", "key number attempt id message")
Answer = collections.namedtuple("Answer", "status problem seconds")


class Handler:
    """The service that the messages are for: HTTP/JSON, in the test's own process. A job that says `hold` is in its hands until `released`: no machine is so
    slow that it ends before the test has done what it wants to do meanwhile."""

    def __init__(self):
        self.seen = []
        self.released = threading.Event()
        self.changed = threading.Condition()
        owner = self

        class Exchange(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with owner.changed:
                    owner.seen.append(Seen(job.get("key", ""), job.get("number", 0), int(self.headers["parley-attempt"]), job.get("id", ""),
                                           self.headers["parley-message-id"]))
                    owner.changed.notify_all()
                if job.get("hold"):
                    owner.released.wait()
                try:
                    self.send_response(200)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"{}")
                except OSError:
                    pass  # the call was given up

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Exchange)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def wait(self, what, seconds=60):
        """Until `what(seen)` is true; what was seen."""
        with self.changed:
            assert self.changed.wait_for(lambda: what(self.seen), seconds), f"seen: {self.seen[-20:]}"
            return list(self.seen)


class Keeper(parley_node.Parley):
    """The node with the storage. It has no service: it keeps, and others deliver."""

    def __init__(self, **more):
        super().__init__(BINARY, {"contracts": CONTRACTS, "messages": "embedded", "timeouts": {"drain": "10s"}, **more})

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.thaw()  # or it would not hear of it
        return super().stop()


class Sidecar(parley_node.Parley):
    """The node without: its messages are at `at`. `handler` None: it publishes only."""

    def __init__(self, at, handler=None, **more):
        config = {"contracts": CONTRACTS, "messages": at, "shards": 2, "timeouts": {"drain": "3s"}, **more}
        if handler is not None:
            config["services"] = {"work": {"serves": ["work.Work"], "at": f"http://127.0.0.1:{handler.port}"}}
        super().__init__(BINARY, config, ready_seconds=120)

    def publish(self, key="k", number=1, seconds=60, **more):
        """An Answer, whatever it is. Hangs no longer than `seconds`, which then fails the test."""
        body = json.dumps({"id": f"{key}-{number}", "key": key, "number": number, **more})
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            connection.request("POST", "/work.Work/Do", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            problem = json.loads(response.read() or b"{}")
            return Answer(response.status, problem, time.monotonic() - began)
        finally:
            connection.close()

    def store(self, seconds=60, **job):
        """Publishes it again and again until it is acknowledged."""
        end = time.monotonic() + seconds
        while (answer := self.publish(**job)).status != 202:
            assert time.monotonic() < end, answer
            time.sleep(0.05)

    def wait_log(self, text, seconds=60):
        end = time.monotonic() + seconds
        while not os.path.exists(self.log_path) or text not in self.log():
            assert time.monotonic() < end, f"the log says nothing of {text!r}"
            time.sleep(0.05)

    def tell(self, method, path, body=None):
        """The pull API, as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"} if body is not None else {})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}")
        finally:
            connection.close()

    def wait_empty(self, seconds=60):
        """Until everything is settled."""
        end = time.monotonic() + seconds
        while True:
            status, stats = self.tell("GET", "/parley/queues/work.Work/Do:stats")
            if status == 200 and not any(int(stats.get(shelf, 0)) for shelf in ("waiting", "leased", "delayed")):
                return
            assert time.monotonic() < end, stats
            time.sleep(0.1)


class Network:
    """Forwards a port to another. `cut`: bytes vanish, in both directions, and nobody is told; `lost` is set once some have. `reset`: every connection
    breaks."""

    def __init__(self, to):
        self.to = to
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.passing = threading.Event()
        self.passing.set()
        self.lost = threading.Event()
        self.pairs = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.passing.wait()
            try:
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                near.close()
                continue
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        try:
            while chunk := source.recv(65536):
                if not self.passing.is_set():
                    self.lost.set()
                    return  # what is lost in a stream stays lost: this connection is dead for good
                sink.sendall(chunk)
        except OSError:
            pass
        if self.passing.is_set():
            for one in (source, sink):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def cut(self):
        self.passing.clear()

    def heal(self):
        self.passing.set()

    def reset(self):
        for pair in self.pairs:
            for one in pair:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs.clear()

    def stop(self):
        self.listener.close()
        self.heal()
        self.reset()


class Publishers:
    """Threads that publish numbered jobs, each its own key, and send one again with the same id until it is acknowledged."""

    def __init__(self, sidecar, count=4):
        self.sidecar = sidecar
        self.ending = threading.Event()
        self.acknowledged = set()
        self.sent = set()
        self.refused = []  # Answers
        self.longest = 0.0
        self.broken = []  # what ended a thread early: a call without an answer, say
        self.threads = [threading.Thread(target=self._run, args=(f"p{n}",), daemon=True) for n in range(count)]
        for one in self.threads:
            one.start()

    def _run(self, key):
        try:
            self._publish(key)
        except Exception as error:
            self.broken.append(error)

    def _publish(self, key):
        number = 0
        while not self.ending.is_set():
            number += 1
            self.sent.add((key, number))
            while not self.ending.is_set():
                answer = self.sidecar.publish(key, number)
                self.longest = max(self.longest, answer.seconds)
                if answer.status == 202:
                    self.acknowledged.add((key, number))
                    break
                self.refused.append(answer)
                time.sleep(0.02)
            time.sleep(0.002)

    def wait(self, more, seconds=120):
        """Until so many more are acknowledged."""
        want = len(self.acknowledged) + more
        end = time.monotonic() + seconds
        while len(self.acknowledged) < want:
            assert time.monotonic() < end, f"{len(self.acknowledged)} of {want} are acknowledged; refused: {self.refused[-3:]}"
            time.sleep(0.02)

    def wait_refused(self, since, what=lambda answer: True, seconds=90):
        """Until one is refused with such an answer, behind the first `since` of them."""
        end = time.monotonic() + seconds
        while not any(what(one) for one in self.refused[since:]):
            assert time.monotonic() < end, f"nobody noticed; refused: {self.refused[since:][-3:]}"
            time.sleep(0.02)

    def take_longest(self):
        """How long the longest call took since this was asked last."""
        longest, self.longest = self.longest, 0.0
        return longest

    def stop(self):
        self.ending.set()
        for one in self.threads:
            one.join(90)  # a call gives up after 60 s
            assert not one.is_alive(), "a call hangs"
        assert not self.broken, self.broken
