"""HTTP/2 peers that may break every rule: frames by hand, hpack from PyPI, blocking sockets."""

import contextlib
import socket
import struct
import threading
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY = 7, 8, 11, 12
SETTINGS_INITIAL_WINDOW_SIZE = 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(**values):
    """settings(_4=0): numbers with an underscore before them."""
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", int(key[1:]), value) for key, value in values.items()))


def goaway(last, code):
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code))


def rst(stream, code):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def window(stream, more):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", more))


def grpc_message(payload, flag=0, length=None):
    return struct.pack(">BI", flag, len(payload) if length is None else length) + payload


class Closed(Exception):
    """The peer closed or reset the connection."""


class Connection:
    """One HTTP/2 connection, either side. `read_frame` answers SETTINGS and PING and opens windows, as a polite peer does."""

    def __init__(self, sock, polite=True):
        self.sock = sock
        self.polite = polite
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 24
        self.buffer = b""

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise Closed(str(error)) from None

    def headers(self, stream, fields, flags=END_HEADERS):
        """A HEADERS frame; nothing checks the fields."""
        return frame(HEADERS, flags, stream, self.encoder.encode(fields))

    def _read(self, size):
        while len(self.buffer) < size:
            try:
                part = self.sock.recv(1 << 16)
            except ConnectionError as error:
                raise Closed(str(error)) from None
            if not part:
                raise Closed("end")
            self.buffer += part
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_frame(self):
        """(kind, flags, stream, payload). Raises Closed, or TimeoutError of the socket."""
        head = self._read(9)
        length, (kind, flags, stream) = struct.unpack(">I", b"\0" + head[:3])[0], struct.unpack(">BBI", head[3:])
        payload = self._read(length)
        if self.polite:
            with contextlib.suppress(Closed):  # the peer may be gone by now: what it said before is still to be read
                self.answer_politely(kind, flags, stream & 0x7FFFFFFF, payload)
        return kind, flags, stream & 0x7FFFFFFF, payload

    def answer_politely(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            self.send(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.send(frame(PING, ACK, 0, payload))
        elif kind == DATA and payload:
            self.send(window(0, len(payload)) + (b"" if flags & END_STREAM else window(stream, len(payload))))

    def close(self):
        self.sock.close()


class Reply:
    """What came on one stream: headers, data, trailers, or the reset's code."""

    def __init__(self):
        self.headers, self.data, self.trailers, self.reset, self.ended = None, b"", None, None, False

    @property
    def status(self):
        return int(self.headers[":status"]) if self.headers else None

    @property
    def grpc_status(self):
        fields = {**(self.headers or {}), **(self.trailers or {})}
        return int(fields["grpc-status"]) if "grpc-status" in fields else None


class Client(Connection):
    """Speaks to Parley with prior knowledge."""

    def __init__(self, port, first=None, polite=True, seconds=60):
        super().__init__(socket.create_connection(("127.0.0.1", port), seconds), polite)
        self.replies = {}
        self.gone = None  # the code of GOAWAY
        self.next_stream = 1
        self.send(PREFACE + (settings(_4=1 << 20) if first is None else first))

    def request_fields(self, method="GET", path="/v1/get/x", **more):
        return [(":method", method), (":scheme", "http"), (":path", path), (":authority", "parley"),
                *((key.replace("_", "-"), value) for key, value in more.items())]

    def open(self, fields=None, end=True, flags=END_HEADERS):
        """Sends HEADERS on a new stream; returns its id."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.send(self.headers(stream, fields or self.request_fields(), flags | (END_STREAM if end else 0)))
        return stream

    def call(self, path, body, content_type="application/grpc", end=True, **more):
        """A gRPC request with `body` as its DATA; returns the Reply when the stream has ended."""
        stream = self.open(self.request_fields("POST", path, content_type=content_type, te="trailers", **more), end=False)
        parts = [body[at:at + 16384] for at in range(0, len(body), 16384)] or [b""]
        self.send(b"".join(frame(DATA, END_STREAM if end and part is parts[-1] else 0, stream, part) for part in parts))
        return self.wait(stream)

    def handle(self, kind, flags, stream, payload):
        reply = self.replies.setdefault(stream, Reply())
        if kind == HEADERS:
            assert flags & END_HEADERS
            fields = {}
            for name, value in self.decoder.decode(payload):
                fields[name] = fields[name] + "," + value if name in fields else value
            if reply.headers is None:
                reply.headers = fields
            else:
                reply.trailers = fields
        elif kind == DATA:
            reply.data += payload
        elif kind == RST_STREAM:
            reply.reset = struct.unpack(">I", payload)[0]
            reply.ended = True
        elif kind == GOAWAY:
            self.gone = struct.unpack(">I", payload[4:8])[0]
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            reply.ended = True

    def wait(self, stream, seconds=60):
        """Reads until the stream has ended; raises Closed or TimeoutError."""
        deadline = time.monotonic() + seconds
        while not (stream in self.replies and self.replies[stream].ended):
            self.sock.settimeout(max(0.01, deadline - time.monotonic()))
            self.handle(*self.read_frame())
        return self.replies[stream]

    def read_until_closed(self, seconds=60):
        """Reads all that comes until the connection ends; returns the GOAWAY's code, if one came. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.sock.settimeout(max(0.01, deadline - time.monotonic()))
                self.handle(*self.read_frame())
        except Closed:
            return self.gone


class Upstream:
    """A scripted server on 127.0.0.1: `script(connection, number)` runs in a thread for each accepted connection."""

    def __init__(self, script):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.script = script
        self.accepted = 0
        self.closed = 0
        self.sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            self.sockets.append(sock)
            threading.Thread(target=self._serve, args=(sock, self.accepted), daemon=True).start()

    def _serve(self, sock, number):
        try:
            self.script(ServerConnection(sock), number)
        except (Closed, OSError):
            pass
        finally:
            sock.close()
            self.closed += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for sock in self.sockets:
            sock.close()


class ServerConnection(Connection):
    """The upstream's side. Reads whole requests."""

    def greet(self, first=None):
        self._read(len(PREFACE))
        self.send(settings() if first is None else first)

    def next_request(self):
        """Waits for a request's end; returns (stream, fields, body)."""
        bodies, heads = {}, {}
        while True:
            kind, flags, stream, payload = self.read_frame()
            if kind == HEADERS:
                heads[stream] = dict(self.decoder.decode(payload))
            elif kind == DATA:
                bodies[stream] = bodies.get(stream, b"") + payload
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                return stream, heads[stream], bodies.get(stream, b"")

    def next_head(self):
        """Waits for a request's HEADERS; returns (stream, fields)."""
        while True:
            kind, _, stream, payload = self.read_frame()
            if kind == HEADERS:
                return stream, dict(self.decoder.decode(payload))

    def answer(self, stream, *messages, status=0, **trailers):
        """A whole gRPC answer."""
        out = self.headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        for message in messages:
            out += frame(DATA, 0, stream, grpc_message(message))
        self.send(out + self.headers(stream, [("grpc-status", str(status)), *((k.replace("_", "-"), v) for k, v in trailers.items())],
                                     END_HEADERS | END_STREAM))
