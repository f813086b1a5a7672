"""WebSocket clients for the tests, written out frame by frame, so that they can also do what no client should: over HTTP/1.1 on a plain
socket, and over HTTP/2 (RFC 8441) with the h2 package."""

import base64
import contextlib
import hashlib
import json
import os
import socket
import struct
import time
import zlib

import h2.config
import h2.connection
import h2.events
import h2.settings

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
JSON, PROTO = "parley.json.v1", "parley.proto.v1"
PATIENCE = 60  # seconds: for what comes at once, except on a machine that runs six suites on two cores


class Refused(Exception):
    """The handshake got another answer than a socket."""

    def __init__(self, status, headers, body):
        super().__init__(f"{status}: {body}")
        self.status, self.headers, self.body = status, headers, body


def masked(first, payload, mask=b"\x37\xfa\x21\x3d"):
    """One client frame whose first byte is `first`."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return bytes([first]) + length + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")


class Frames:
    """What both clients share: frames out, frames in. Subclasses move the bytes."""

    def __init__(self):
        self.buffer = b""
        self.ended = False
        self.inflater = None

    def frame(self, opcode, payload=b"", fin=True):
        self.write(masked((0x80 if fin else 0) | opcode, payload))

    def send(self, **frame):
        """send(message={…}), send(end={})"""
        self.frame(TEXT, json.dumps(frame).encode())

    def take(self, size, until):
        while len(self.buffer) < size:
            more = self.read(until - time.monotonic())
            if not more:
                self.ended = True
                return None
            self.buffer += more
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def receive(self, seconds=PATIENCE):
        """The next frame: (opcode, payload), with a compressed one inflated. None once the connection has ended, be it within a frame."""
        until = time.monotonic() + seconds
        head = self.take(2, until)
        if head is None:
            return None
        assert head[0] & 0x80, "the server fragments nothing"
        assert not head[1] & 0x80, "a server masks nothing"
        size = head[1]
        if size >= 126:
            length = self.take(2 if size == 126 else 8, until)
            if length is None:
                return None
            size = int.from_bytes(length, "big")
        payload = self.take(size, until)
        if payload is None:
            return None
        if head[0] & 0x40:
            payload = self.inflater.decompress(payload + b"\0\0\xff\xff")
        return head[0] & 0x0F, payload

    def next(self, seconds=PATIENCE):
        """The next JSON frame as an object, ("close", code, reason), or None at the end. Pings are passed over."""
        while True:
            got = self.receive(seconds)
            if got is None:
                return None
            opcode, payload = got
            if opcode == TEXT:
                return json.loads(payload)
            if opcode == CLOSE:
                return ("close", int.from_bytes(payload[:2], "big"), payload[2:].decode())
            assert opcode in (PING, PONG), opcode

    def rest(self, seconds=PATIENCE):
        """All frames up to the close frame, and that the connection ends after it."""
        frames = []
        while not frames or not isinstance(frames[-1], tuple):
            frame = self.next(seconds)
            assert frame is not None, f"the connection ended without a close frame after {frames}"
            frames.append(frame)
        return frames

    def close(self, code=1000):
        """Says it to whoever is still there: who has closed itself waits two seconds for the answer, and then ends the connection."""
        with contextlib.suppress(ConnectionError):
            self.frame(CLOSE, struct.pack(">H", code))

    def wait_end(self, seconds=PATIENCE):
        """True once the server has ended the connection, whatever it still says before."""
        until = time.monotonic() + seconds
        while self.read(until - time.monotonic()):
            pass
        return True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drop()


class Http1Socket(Frames):
    def __init__(self, port, path, protocol=JSON, headers=(), receive_buffer=None, request=None):
        super().__init__()
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = {"Host": f"127.0.0.1:{port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
        if protocol:
            lines["Sec-WebSocket-Protocol"] = protocol
        lines.update(headers)
        head = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None) + "\r\n"
        self.socket.sendall((request or head).encode())
        self.answer(key)
        if protocol:
            assert self.headers["sec-websocket-protocol"] in protocol
        else:
            assert "sec-websocket-protocol" not in self.headers
        if "sec-websocket-extensions" in self.headers:
            self.inflater = zlib.decompressobj(-15)

    def answer(self, key):
        while b"\r\n\r\n" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                raise Refused(0, {}, self.buffer.decode())
            self.buffer += more
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status, *lines = head.decode().split("\r\n")
        self.headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        if int(status.split()[1]) != 101:
            while len(self.buffer) < int(self.headers.get("content-length", 0)):
                more = self.socket.recv(65536)
                assert more, "the connection ended within the answer"
                self.buffer += more
            raise Refused(int(status.split()[1]), self.headers, self.buffer.decode())
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        assert self.headers["sec-websocket-accept"] == accept
        assert self.headers["upgrade"].lower() == "websocket" and self.headers["connection"].lower() == "upgrade"

    def write(self, data):
        self.socket.sendall(data)

    def read(self, seconds):
        self.socket.settimeout(max(seconds, 0.01))
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def drop(self):
        self.socket.close()


class Http2Socket(Frames):
    """RFC 8441. One socket a connection, though it would take many."""

    def __init__(self, port, path, protocol=JSON, headers=(), version="13", receive_buffer=None):
        super().__init__()
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        if receive_buffer:
            self.h2.local_settings = h2.settings.Settings(client=True, initial_values={h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: receive_buffer})
        self.h2.initiate_connection()
        self.flush()
        self.stream_ended = False
        self.status, self.headers = None, {}
        self.settings_seen = False
        while not self.settings_seen:
            self.turn(PATIENCE)
            assert not self.stream_ended, "the connection ended before a handshake"
        assert self.h2.remote_settings.enable_connect_protocol == 1
        self.stream = self.h2.get_next_available_stream_id()
        lines = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", path), (":authority", f"127.0.0.1:{port}"),
                 ("sec-websocket-version", version)]
        if protocol:
            lines.append(("sec-websocket-protocol", protocol))
        self.h2.send_headers(self.stream, lines + [(name.lower(), value) for name, value in dict(headers).items()])
        self.flush()
        while self.status is None:
            self.turn(PATIENCE)
            assert self.status or not self.stream_ended, "the connection ended without an answer"
        if self.status != 200:
            while not self.stream_ended:
                self.turn(PATIENCE)
            raise Refused(self.status, self.headers, self.buffer.decode())
        if "sec-websocket-extensions" in self.headers:
            self.inflater = zlib.decompressobj(-15)

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def turn(self, seconds):
        self.socket.settimeout(max(seconds, 0.01))
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.stream_ended = True
            return
        for event in self.h2.receive_data(data):
            if isinstance(event, h2.events.RemoteSettingsChanged):
                self.settings_seen = True
            elif isinstance(event, h2.events.ResponseReceived):
                self.headers = dict(event.headers)
                self.status = int(self.headers[":status"])
            elif isinstance(event, h2.events.DataReceived):
                self.buffer += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)):
                self.stream_ended = True
        self.flush()

    def write(self, data):
        while data and not self.stream_ended:  # nobody hears what comes after that, and h2 refuses to send it
            room = min(self.h2.local_flow_control_window(self.stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.turn(PATIENCE)
                continue
            self.h2.send_data(self.stream, data[:room])
            data = data[room:]
            self.flush()

    def read(self, seconds):
        before = self.buffer
        self.buffer = b""
        while not self.buffer and not self.stream_ended:
            self.turn(seconds)
        taken, self.buffer = self.buffer, before
        return taken

    def drop(self):
        self.socket.close()
