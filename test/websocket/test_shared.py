"""Streams that many sockets share: one call of the service, each message written once, history and positions; and slow readers."""

import os
import time

import parley_node
import pytest
import suite
from awkward_fixtures import BINARY, CACHE
from sockets import PROTO, Http1Socket

HERE = os.path.dirname(os.path.abspath(__file__))
CONTRACTS = os.path.join(HERE, "..", "..", "contracts")
ROOMS = os.path.join(HERE, "rooms")


@pytest.fixture(scope="module")
def rooms_backend():
    command = [suite.awkward_python(CACHE), os.path.join(ROOMS, "rooms.py"), "{port}", os.path.abspath(CONTRACTS)]
    with parley_node.Backend(command, name="rooms") as backend:
        yield backend


class Rooms:
    """A node, and what is opened on it: rooms.watch(…) opens a socket, rooms.post(…) says something."""

    def __init__(self, node):
        self.node, self.opened = node, []

    def open(self, rpc, **more):
        self.opened.append(Http1Socket(self.node.port, f"/ws/rooms.v1.Rooms/{rpc}", **more))
        return self.opened[-1]

    def call(self, rpc, message):
        socket = self.open(rpc)
        socket.send(message=message)
        *_, reply, status, _ = socket.rest()
        assert status == {"status": {"code": "OK"}}
        return reply["message"]

    def census(self):
        return {"running": 0, "ever": 0, "prices": 0, **self.call("Census", {})}

    def post(self, room, *texts, size=0):
        self.call("Post", {"room": room, "texts": texts, "size": size})

    def watch(self, room, rpc="Watch", headers=(), wait=True, **start):
        socket = self.open(rpc, headers=headers)
        socket.send(start=start)
        socket.send(message={"room": room})
        if wait:
            socket.hello = socket.next()
            assert list(socket.hello) == ["headers"], socket.hello
        return socket


def config(backend_port, shards, **more):
    services = {"rooms": {"serves": ["rooms.v1.Rooms"], "at": f"grpc://127.0.0.1:{backend_port}"}}
    return suite.patient({"contracts": ROOMS, "shards": shards, "services": services, "websocket": {"buffer": "32KiB"},
                          "limits": {"body_timeout": "10m"},  # some read nothing for a while
                          **more})


@pytest.fixture(params=[1, 2], ids=["one_shard", "two_shards"])
def rooms(request, rooms_backend):
    """All sockets share, whichever shard the system gave them to."""
    with parley_node.Parley(BINARY, config(rooms_backend.port, request.param)) as node:
        made = Rooms(node)
        eventually(lambda: made.census()["running"] == 0)  # the service has heard that the node of the test before is gone
        yield made
        for socket in made.opened:
            socket.drop()


def texts(socket, count):
    return [socket.next()["message"]["text"] for _ in range(count)]


def eventually(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "did not come true"
        time.sleep(0.02)


def test_one_call_feeds_all(rooms):
    before = rooms.census()
    sockets = [rooms.watch("one") for _ in range(20)]
    now = rooms.census()
    assert (now["running"], now["ever"]) == (before["running"] + 1, before["ever"] + 1)
    assert sockets[0].hello == {"headers": {"metadata": {"x-room": "one"}}}
    rooms.post("one", "a", "b")
    frames = [[socket.next(), socket.next()] for socket in sockets]
    assert all(got == frames[0] for got in frames)
    assert frames[0][0]["message"] == {"number": 1, "text": "a"}
    assert frames[0][0]["position"] != frames[0][1]["position"]


def test_late_joiners_begin_with_the_next_message_or_with_history(rooms):
    first = rooms.watch("late")
    rooms.post("late", *"abcdefgh")
    assert texts(first, 8) == list("abcdefgh")
    plain, some, most = rooms.watch("late"), rooms.watch("late", history=2), rooms.watch("late", history=100)
    rooms.post("late", "i")
    assert texts(plain, 1) == ["i"]
    assert texts(some, 3) == list("ghi")
    assert texts(most, 6) == list("defghi"), "no more than the contract says"


def test_resume_by_position(rooms):
    socket = rooms.watch("resume")
    rooms.post("resume", "a", "b", "c")
    seen = [socket.next() for _ in range(2)]
    socket.drop()
    rooms.post("resume", "d")
    again = rooms.watch("resume", resume=seen[-1]["position"])
    assert again.hello["headers"]["resumed"] is True
    assert texts(again, 2) == ["c", "d"], "the stream went on while nobody was there"
    for nonsense in ["", "nonsense", "nonsense-1", seen[0]["position"] + "000"]:
        other = rooms.watch("resume", resume=nonsense)
        assert "resumed" not in other.hello["headers"]
    rooms.post("resume", "e")
    assert texts(other, 1) == ["e"]


MANY = 24  # sockets: were they all on one of two shards, that would be one chance in eight million


def test_positions_are_known_on_every_shard(rooms):
    before = rooms.census()["ever"]
    sockets = [rooms.watch("everywhere") for _ in range(MANY)]
    rooms.post("everywhere", "a", "b", "c", "d")
    frames = [[socket.next() for _ in range(4)] for socket in sockets]
    assert all(got == frames[0] for got in frames), "the same positions too"
    for socket in sockets[1:]:
        socket.drop()
    back = [rooms.watch("everywhere", resume=frames[0][1]["position"]) for _ in range(MANY)]
    assert all(socket.hello["headers"].get("resumed") for socket in back)
    assert all(texts(socket, 2) == ["c", "d"] for socket in back)
    late = [rooms.watch("everywhere", history=3) for _ in range(MANY)]
    assert all(texts(socket, 3) == ["b", "c", "d"] for socket in late)
    assert rooms.census()["ever"] == before + 1


def test_a_burst_misses_nobody_who_reads(rooms):
    sockets = [rooms.watch("burst") for _ in range(4)]
    for i in range(20):
        rooms.post("burst", *(f"{i}.{k}" for k in range(50)))
    wanted = [f"{i}.{k}" for i in range(20) for k in range(50)]
    assert all(texts(socket, len(wanted)) == wanted for socket in sockets)


def test_what_makes_requests_different(rooms):
    before = rooms.census()["ever"]
    a, b, a2 = (rooms.watch("differ", headers={"X-Tenant": tenant, "X-Other": other}) for tenant, other in [("a", "1"), ("b", "2"), ("a", "3")])
    c = rooms.watch("differ", metadata={"x-tenant": "b"})
    assert rooms.census()["ever"] == before + 2
    rooms.post("differ", "hello")
    assert [socket.next()["message"]["tenant"] for socket in (a, b, a2, c)] == ["a", "b", "a", "b"], "no other metadata arrives"


def test_the_end_reaches_all(rooms):
    sockets = [rooms.watch("end") for _ in range(3)]
    rooms.post("end", "last", "end")
    for socket in sockets:
        message, status, close = socket.rest()
        assert message["message"]["text"] == "last" and status == {"status": {"code": "OK"}} and close[1] == 1000
    sockets = [rooms.watch("end") for _ in range(3)]  # begins afresh
    rooms.post("end", "fail")
    for socket in sockets:
        status, close = socket.rest()
        assert status["status"]["code"] == "NOT_FOUND" and close[1] == 4005


def test_both_formats_share_one_call(rooms):
    before = rooms.census()["ever"]
    text = rooms.watch("formats")
    binary = rooms.open("Watch", protocol=PROTO)
    binary.frame(2, b"\x12\x09" + b"\x0a\x07formats")
    assert binary.receive()[1][:1] == b"\x0a"
    rooms.post("formats", "x")
    assert texts(text, 1) == ["x"]
    opcode, frame = binary.receive()
    assert opcode == 2 and frame.startswith(b"\x12\x05\x08\x01\x12\x01x\x32")
    assert rooms.census()["ever"] == before + 1


def test_a_reader_that_stops_does_not_hold_up_others(rooms):
    slow = rooms.watch("slow")
    fast = rooms.watch("slow")
    before = rooms.node.rss_kib()
    for _ in range(200):
        rooms.post("slow", *("m%d" % i for i in range(10)), size=10_000)
        assert len(texts(fast, 10)) == 10
    assert rooms.node.rss_kib() - before < rooms.node.rss_bound_kib(24)
    seen, skipped = 0, 0
    while seen + skipped < 2000:
        frame = slow.next()
        seen += "message" in frame
        skipped += frame.get("skipped", {}).get("messages", 0)
    assert skipped > 0 and seen > 0
    rooms.post("slow", "now")
    assert texts(slow, 1) == ["now"]


def test_a_reader_that_stops_can_be_closed(rooms):
    slow = rooms.watch("close", rpc="WatchOrClose")
    fast = rooms.watch("close", rpc="WatchOrClose")
    began = time.monotonic()
    for _ in range(200):
        rooms.post("close", *("m%d" % i for i in range(10)), size=10_000)
        assert len(texts(fast, 10)) == 10
    while isinstance(frame := slow.next(), dict):
        pass
    if frame is not None:
        assert frame[1] == 1008
    else:
        # It is told after five seconds, or when it reads again and has missed messages. Who reads nothing for two seconds more is disconnected.
        assert time.monotonic() > began + 7


def test_dropping_on_a_stream_of_ones_own(rooms):
    before = rooms.census()["prices"]
    socket = rooms.open("Prices", receive_buffer=4096)
    socket.send(message={"count": 20_000, "size": 1000})
    eventually(lambda: rooms.census()["prices"] > before)
    seen, skipped, last = 0, 0, None
    while not isinstance(frame := socket.next(), tuple):
        if "message" in frame:
            seen, last = seen + 1, frame["message"]["number"]
        skipped += frame.get("skipped", {}).get("messages", 0)
    assert seen + skipped == 20_000 and skipped > 1000 and last == 20_000


def test_the_last_reader_leaves_the_stream_to_linger(rooms):
    before = rooms.census()["running"]
    rooms.watch("linger").close()
    time.sleep(0.3)
    assert rooms.census()["running"] == before + 1


def test_a_deadline_is_each_readers_own(rooms):
    short, long = rooms.watch("deadline", timeout="0.3s", wait=False), rooms.watch("deadline")
    assert short.rest()[-1][1] == 4004
    rooms.post("deadline", "still")
    assert texts(long, 1) == ["still"]


def test_an_unreachable_service(rooms_backend):
    config = {"contracts": ROOMS, "services": {"rooms": {"serves": ["rooms.v1.Rooms"], "at": "grpc://127.0.0.1:9"}}}
    with parley_node.Parley(BINARY, config) as node, Http1Socket(node.port, "/ws/rooms.v1.Rooms/Watch") as socket:
        socket.send(message={"room": "x"})
        status, close = socket.rest()
        assert status["status"]["code"] == "UNAVAILABLE" and close[1] == 4014


def test_a_service_that_restarts():
    command = [suite.awkward_python(CACHE), os.path.join(ROOMS, "rooms.py"), "{port}", os.path.abspath(CONTRACTS)]
    backend = parley_node.Backend(command, name="rooms")
    with backend, parley_node.Parley(BINARY, config(backend.port, 2)) as node:
        rooms = Rooms(node)
        sockets = [rooms.watch("restart") for _ in range(MANY)]
        rooms.post("restart", "a")
        (position,) = {socket.next()["position"] for socket in sockets}
        backend.kill()
        for socket in sockets:
            status, close = socket.rest()
            assert status["status"]["code"] == "UNAVAILABLE" and close[1] == 4014
        with parley_node.Backend(command, name="rooms", port=backend.port):
            back = [rooms.watch("restart", resume=position, wait=False) for _ in range(MANY)]
            for socket in back:
                assert socket.next() == {"headers": {"metadata": {"x-room": "restart"}}}, "another stream: nothing to resume"
            rooms.post("restart", "b")
            assert all(texts(socket, 1) == ["b"] for socket in back)
            assert rooms.census() == {"running": 1, "ever": 1, "prices": 0}
            for socket in rooms.opened:
                socket.drop()


def test_a_node_that_stops(rooms_backend):
    with parley_node.Parley(BINARY, config(rooms_backend.port, 2)) as node:
        sockets = [Rooms(node).watch("stops") for _ in range(MANY)]
        began = time.monotonic()
        node.process.terminate()
        for socket in sockets:
            status, close = socket.rest()
            assert status["status"]["reason"] == "draining" and close[1] == 1001, "each shard tells its own"
        assert time.monotonic() - began > 2
        node.process.wait(60)  # a second SIGTERM would be impatience


def test_a_contract_that_is_reloaded(rooms_backend, tmp_path):
    contract = tmp_path / "rooms.proto"
    with open(os.path.join(ROOMS, "rooms.proto")) as file:
        text = file.read()
    contract.write_text(text)
    with parley_node.Parley(BINARY, config(rooms_backend.port, 2, contracts=str(tmp_path))) as node:
        rooms = Rooms(node)
        before = rooms.census()["ever"]
        old = [rooms.watch("reload") for _ in range(MANY)]
        contract.write_text(text + "message Added {}\n")
        eventually(lambda: "reloaded" in node.log())
        new = [rooms.watch("reload")]
        while rooms.census()["ever"] == before + 1:  # the shards take it up one after the other
            assert len(new) < 1000
            new.append(rooms.watch("reload"))
        new += [rooms.watch("reload") for _ in range(MANY)]
        assert rooms.census()["ever"] == before + 2, "one of each contract"
        rooms.post("reload", "to all")
        assert all(texts(socket, 1) == ["to all"] for socket in old + new)
        for socket in rooms.opened:
            socket.drop()
