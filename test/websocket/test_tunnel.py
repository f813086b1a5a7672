"""A plain WebSocket service behind Parley: its own frames, extensions and close codes reach the client as they are."""

import base64
import contextlib
import hashlib
import socket
import threading
import time
import urllib.request

import parley_node
import pytest
import suite
from awkward_fixtures import BINARY
from sockets import CLOSE, PING, PONG, TEXT, Http1Socket, Http2Socket, Refused


class Service:
    """Agrees to /chat…, refuses the rest with 403, and sends back what comes, byte for byte unmasked. Remembers heads."""

    def __init__(self):
        self.heads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ended = {}  # by path: an event, set when the connection has ended
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            threading.Thread(target=self.serve, args=self.listener.accept()[:1], daemon=True).start()

    def serve(self, connection):
        # A client that goes without a word may be a reset here.
        with contextlib.suppress(ConnectionError), connection, connection.makefile("rb") as reader:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = reader.readline()
                if not line:
                    return
                head += line
            lines = head.decode().split("\r\n")
            ended = self.ended[lines[0].split()[1]] = threading.Event()
            try:
                self.answer(connection, reader, lines)
            finally:
                ended.set()

    def answer(self, connection, reader, lines):
        fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        self.heads.append((lines[0], fields))
        if not lines[0].split()[1].startswith("/chat"):
            whole = not lines[0].split()[1].startswith("/other/half")
            connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\nno" % (2 if whole else 3))
            while not whole and reader.read(1):
                pass
            return
        key = next(line.split(": ")[1] for line in lines if line.lower().startswith("sec-websocket-key"))
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        connection.sendall((f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"
                            "Sec-WebSocket-Protocol: chat\r\nX-Service: plain\r\n\r\n").encode())
        while head := reader.read(2):
            size = head[1] & 0x7F
            if size >= 126:
                size = int.from_bytes(reader.read(2 if size == 126 else 8), "big")
            mask = reader.read(4)
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(reader.read(size)))
            length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
            connection.sendall(bytes([head[0] & 0xF0 | (PONG if head[0] & 15 == PING else head[0] & 15)]) + length + payload)
            if head[0] & 15 == CLOSE:
                break


@pytest.fixture(scope="module")
def service():
    return Service()


def config(service, backend, **more):
    tunnels = {"chat": {"path": "/chat", "at": f"http://127.0.0.1:{service.port}"}, "other": {"path": "/other", "at": f"http://127.0.0.1:{service.port}"},
               "down": {"path": "/chat/down", "at": "http://127.0.0.1:9"}}
    return suite.awkward_config(backend.port, tunnels=tunnels, **more)


@pytest.fixture(scope="module")
def tunnel_node(service, backend):
    with parley_node.Parley(BINARY, config(service, backend)) as node:
        yield node


@pytest.fixture
def fresh_node(service, backend):
    """Of one test: nobody has counted anything on it. Over HTTP/2, a client that is a second late with its handshake has been idle; over HTTP/1.1 its
    handshake is the first that it sends."""
    with parley_node.Parley(BINARY, config(service, backend, limits={"idle_timeout": "1s"})) as node:
        yield node


@pytest.fixture(params=[Http1Socket, Http2Socket], ids=["http1", "http2"])
def tunnel(request, tunnel_node):
    opened = []

    def open_one(path, **more):
        opened.append(request.param(tunnel_node.port, path, protocol="chat", **more))
        return opened[-1]

    yield open_one
    for one in opened:
        one.drop()


def test_frames_pass_as_they_are(tunnel, service):
    client = tunnel("/chat/room?a=b", headers={"Cookie": "id=7", "Origin": "https://anywhere.example", "X-Client-Cert": "forged"})
    line, fields = service.heads[-1]
    assert line == "GET /chat/room?a=b HTTP/1.1"
    assert fields["cookie"] == "id=7" and fields["origin"] == "https://anywhere.example" and fields["sec-websocket-protocol"] == "chat"
    assert "x-client-cert" not in fields and fields["host"].startswith("127.0.0.1:")
    assert client.headers["sec-websocket-protocol"] == "chat" and client.headers["x-service"] == "plain"
    client.frame(TEXT, b"hello")
    assert client.receive() == (TEXT, b"hello")
    client.frame(PING, b"p")
    assert client.receive() == (PONG, b"p")
    client.frame(2, b"x" * 60_000)
    assert client.receive() == (2, b"x" * 60_000)
    client.frame(CLOSE, b"\x0f\xa0bye")
    assert client.receive() == (CLOSE, b"\x0f\xa0bye")
    assert client.wait_end()


def test_a_client_that_goes_ends_the_services_side(tunnel, service):
    path = f"/chat/goes/{len(service.heads)}"  # nobody else's
    client = tunnel(path)
    client.drop()
    assert service.ended[path].wait(60)


def test_what_the_service_refuses(tunnel):
    with pytest.raises(Refused) as caught:
        tunnel("/other")
    assert caught.value.status == 403 and caught.value.body == "no"


def test_a_client_that_goes_ends_a_refusal_that_does_not_end(tunnel_node, service):
    """Else it would be waited for as long as the service likes, by a stop too."""
    with socket.create_connection(("127.0.0.1", tunnel_node.port), 60) as client:
        client.sendall(b"GET /other/half HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                       b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 403 ")
    assert service.ended["/other/half"].wait(60)


def test_a_service_that_is_down(tunnel):
    with pytest.raises(Refused) as caught:
        tunnel("/chat/down")
    assert caught.value.status == 503


def test_paths_beside_it_are_not_taken(tunnel):
    with pytest.raises(Refused) as caught:
        tunnel("/chatty")
    assert caught.value.status in (404, 405)


def test_many_tunnels(tunnel_node):
    """More than the pool of plain connections has room for."""
    sockets = [Http1Socket(tunnel_node.port, "/chat", protocol="chat") for _ in range(150)]
    for number, client in enumerate(sockets):
        client.frame(TEXT, b"%d" % number)
    for number, client in enumerate(sockets):
        assert client.receive() == (TEXT, b"%d" % number)
        client.drop()


def test_a_tunnel_is_never_idle(fresh_node):
    with Http1Socket(fresh_node.port, "/chat", protocol="chat") as client:
        time.sleep(2)
        client.frame(TEXT, b"still here")
        assert client.receive() == (TEXT, b"still here")


def test_metrics(fresh_node):
    def counted(sample):
        with urllib.request.urlopen(f"http://127.0.0.1:{fresh_node.admin}/metrics", timeout=60) as answer:
            lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if line.startswith("parley_tunnel"))
        return float(lines.get(sample, 0))

    def eventually(sample, value):
        until = time.monotonic() + 60
        while counted(sample) != value:
            assert time.monotonic() < until, f"{sample} is {counted(sample)}, not {value}"
            time.sleep(0.02)

    agreed, down = ('parley_tunnel_handshakes_total{tunnel="%s",status="%d"}' % case for case in [("chat", 101), ("down", 503)])
    sockets = 'parley_tunnel_sockets{tunnel="chat"}'
    clients = [Http1Socket(fresh_node.port, "/chat", protocol="chat") for _ in range(5)]
    eventually(sockets, 5)
    eventually(agreed, 5)
    for client in clients:
        client.drop()
    eventually(sockets, 0)
    with pytest.raises(Refused):
        Http1Socket(fresh_node.port, "/chat/down", protocol="chat")
    eventually(down, 1)
