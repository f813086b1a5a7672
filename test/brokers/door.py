"""A way to a server that can be shut: what stands between a node and a backend that is not there yet, or hangs."""

import contextlib
import socket
import threading


class Door:
    """127.0.0.1:`port`, which leads to the port `to` while it is open. At first it is shut: connections are refused, or, if it is `silent`, taken and
    never answered."""

    def __init__(self, port, to, silent=False):
        self.port = port
        self.to = to
        self.leads = threading.Event()
        self.listener = None
        self.sockets = []
        if silent:
            self._listen()

    def _listen(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def open(self):
        self.leads.set()
        self.listener or self._listen()

    def shut(self):
        """Nobody comes in any more, and whoever is inside is thrown out."""
        self.leads.clear()
        if self.listener is not None:
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)  # or the thread that waits in `accept` keeps it alive
            self.listener.close()
            self.listener = None
        for one in self.sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.sockets.clear()

    def _accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self.sockets.append(near)
            if not self.leads.is_set():
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                near.close()
                continue
            self.sockets.append(far)
            for source, sink in ((near, far), (far, near)):
                sink.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                sink.sendall(chunk)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
