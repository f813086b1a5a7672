"""The pull API over REST, with nothing but the standard library."""

import base64
import http.client
import json
import threading
import time
import urllib.parse


class ApiError(Exception):
    """A problem document."""

    def __init__(self, status, problem):
        super().__init__(f"{status} {problem.get('code')} ({problem.get('reason')}): {problem.get('detail')}")
        self.status = status
        self.code = problem.get("code")
        self.reason = problem.get("reason")
        self.detail = problem.get("detail") or ""


class Client:
    """Calls of one node; threads may share it."""

    def __init__(self, port):
        self.port = port
        self.local = threading.local()

    def request(self, method, path, body=None, headers=None, timeout=180):
        """(status, headers, body); tries again once on a kept connection that a restart has closed."""
        for attempt in (1, 2):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
            try:
                connection.request(method, path, body, headers or {})
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read()
            except (http.client.RemoteDisconnected, ConnectionError, BrokenPipeError):
                connection.close()
                self.local.connection = None
                if attempt == 2:
                    raise

    def call(self, method, path, message=None):
        body = None if message is None else json.dumps(message)
        status, _, text = self.request(method, path, body, {"content-type": "application/json"} if body else {})
        answer = json.loads(text) if text else {}
        if status >= 300:
            raise ApiError(status, answer)
        return answer

    def queue(self, name, group=None):
        return Queue(self, name, group)

    def topic(self, name):
        return Topic(self, name)


def seconds(value):
    return f"{value:g}s"


class Queue:
    """A queue, or a group of a topic."""

    def __init__(self, client, name, group=None):
        self.client = client
        self.name = name
        self.group = group

    def do(self, verb, **message):
        if self.group:
            message["group"] = self.group
        return self.client.call("POST", f"/parley/queues/{self.name}:{verb}", message)

    def ask(self, verb, **query):
        if self.group:
            query["group"] = self.group
        return self.client.call("GET", f"/parley/queues/{self.name}:{verb}?{urllib.parse.urlencode(query)}")

    def publish(self, data=None, message=None, **more):
        return self.do("publish", message={"json": data} if message is None else message, **more)

    def lease(self, count=1, wait=0.0, lease=None):
        """Deliveries. `wait` is for the first one."""
        more = {} if lease is None else {"lease": seconds(lease)}
        return self.do("lease", maxMessages=count, wait=seconds(wait), json=True, **more).get("deliveries", [])

    def one(self, wait=60.0, lease=None):
        """The one delivery that must come."""
        deliveries = self.lease(1, wait, lease)
        assert len(deliveries) == 1, f"nothing came from {self.name} within {wait} s"
        return deliveries[0]

    def none(self, wait=0.3):
        """Nothing may come."""
        deliveries = self.lease(1, wait)
        assert deliveries == [], f"something came from {self.name}: {deliveries}"

    def settle(self, delivery, kind="DONE", **more):
        lease = delivery if isinstance(delivery, str) else delivery["leaseId"]
        return self.do("settle", settlements=[{"leaseId": lease, "kind": kind, **more}])

    def extend(self, delivery, by):
        return self.do("extend", leaseIds=[delivery["leaseId"]], lease=seconds(by))

    def peek(self, shelf="WAITING", count=20, after="", json_payload=True):
        answer = self.ask("peek", shelf=shelf, maxMessages=count, after=after, json=str(json_payload).lower())
        return answer.get("messages", [])

    def peek_all(self, expected, shelf="WAITING", **more):
        """What is on the shelf, once that is so many: some brokers show what they have been given, or have shown before, a little later."""
        end = time.monotonic() + 60
        while len(seen := self.peek(shelf, **more)) != expected:
            assert time.monotonic() < end, seen
            time.sleep(0.1)
        return seen

    def bury(self):
        """The one dead letter, once it is there, where nothing else may come: some brokers see only when they would deliver a message that they may not."""
        end = time.monotonic() + 90
        while len(dead := self.peek("DEAD")) != 1:
            assert time.monotonic() < end, dead
            self.none(1.0)
        return dead[0]

    def stats(self):
        return self.ask("stats")

    def count(self, shelf):
        return int(self.stats().get(shelf, 0))

    def drain(self, count, more=1.0):
        """Takes and settles `count` deliveries, and what else comes within `more` seconds; all of them, in order."""
        out = []
        while deliveries := self.lease(100, 60.0 if len(out) < count else more):
            for delivery in deliveries:
                self.settle(delivery)
            out += deliveries
        return out


def number(delivery):
    return int(delivery["message"]["json"].get("number", 0))


def payload(message):
    return base64.b64decode(message.get("payload", ""))


class Topic:
    def __init__(self, client, name):
        self.client = client
        self.name = name

    def publish(self, type_name, data, **attributes):
        message = {"type": type_name, "json": data, **attributes}
        return self.client.call("POST", f"/parley/topics/{self.name}:publish", {"message": message})

    def read(self, wait=0.0, count=100, **place):
        """(events, next). `place`: after=…, time=…, earliest=True."""
        query = {f"from.{name}": str(value).lower() if isinstance(value, bool) else value for name, value in place.items()}
        query |= {"maxMessages": count, "wait": seconds(wait), "json": "true"}
        answer = self.client.call("GET", f"/parley/topics/{self.name}/events?{urllib.parse.urlencode(query)}")
        return answer.get("events", []), answer.get("next", "")

    def read_all(self, expected, seconds_left=60, key=None, **place):
        """Reads on until there are `expected` events (with this key, if one is given)."""
        out, deadline = [], time.monotonic() + seconds_left
        while len(out) < expected and time.monotonic() < deadline:
            events, after = self.read(wait=1.0, **place)
            out += [event for event in events if key in (None, event["message"].get("key", ""))]
            if after:
                place = {"after": after}
        return out

    def commit(self, group, position):
        return self.client.call("POST", f"/parley/topics/{self.name}/groups/{group}:commit", {"position": position})

    def checkpoint(self, group):
        return self.client.call("GET", f"/parley/topics/{self.name}/groups/{group}").get("position", "")

    def seek(self, group, **place):
        return self.client.call("POST", f"/parley/topics/{self.name}/groups/{group}:seek", {"to": place})

    def post(self, body, headers):
        """CloudEvents at /topics/NAME: the answer, or ApiError."""
        status, _, text = self.client.request("POST", f"/topics/{self.name}", body, headers)
        answer = json.loads(text)
        if status >= 300:
            raise ApiError(status, answer)
        return answer

    def first_id(self):
        """The id that a reader of the latest is told before any event."""
        connection = http.client.HTTPConnection("127.0.0.1", self.client.port, timeout=90)
        connection.request("GET", f"/topics/{self.name}", headers={"accept": "text/event-stream"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise ApiError(answer.status, json.loads(answer.read()))
        for line in iter(answer.readline, b""):
            if line.startswith(b"id: "):
                connection.close()
                return line.decode().removeprefix("id: ").rstrip("\n")
        raise AssertionError("the stream ended without an id")

    def events(self, query="", last_event_id=None, expected=1, timeout=90):
        """`expected` server-sent events as (id, CloudEvent), over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.client.port, timeout=timeout)
        headers = {"accept": "text/event-stream"} | ({"last-event-id": last_event_id} if last_event_id else {})
        connection.request("GET", f"/topics/{self.name}{query}", headers=headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise ApiError(answer.status, json.loads(answer.read()))
        assert answer.headers["content-type"] == "text/event-stream"
        out, event = [], {}
        while len(out) < expected:
            line = answer.readline().decode()
            assert line, f"the stream ended after {out}"
            line = line.rstrip("\n")
            if line == "" and "data" in event:
                out.append((event.get("id"), json.loads(event["data"])))
                event = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value
        connection.close()
        return out
