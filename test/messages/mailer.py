"""mail.Mailer with grpcio, in the test's own process: it notes what it is called with, and does as a mail's text says.

    "fail CODE N"   fails the first N attempts with that code ("fail UNAVAILABLE 2"); without N, all of them
    "later S"       fails the first attempt, and wants to be asked again in S seconds (google.rpc.RetryInfo)
    "take S"        takes S seconds
    "hold"          takes until the test sets `gate`
    otherwise       it is fine
"""

import collections
import os
import sys
import threading
import time
from concurrent import futures

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # nodes are started from this process, and know nothing of its grpc

import grpc  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "contracts"), os.path.join(HERE, "..", "..", "contracts")]
pb, pb_grpc = grpc.protos_and_services("mail.proto")
receipt_pb2 = grpc.protos("parley/receipt.proto")
details_pb2 = grpc.protos("google/rpc/error_details.proto")
status_pb2 = grpc.protos("google/rpc/status.proto")

Seen = collections.namedtuple("Seen", "rpc request id attempt key metadata began")


class Mailer(pb_grpc.MailerServicer):
    def __init__(self, port):
        self.port = port
        self.seen = []
        self.running = collections.Counter()  # by key
        self.most = collections.Counter()
        self.changed = threading.Condition()
        self.gate = threading.Event()
        self.leaving = threading.Event()
        self.server = None

    def start(self, seconds=60):
        """Listens, once the one that was stopped does so no more: grpc closes its sockets a little behind its word."""
        end = time.monotonic() + seconds
        while not self._listen():
            assert time.monotonic() < end, f"port {self.port} does not become free"
            time.sleep(0.05)
        self.server.start()
        return self

    def _listen(self):
        self.server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
        pb_grpc.add_MailerServicer_to_server(self, self.server)
        try:
            return self.server.add_insecure_port(f"127.0.0.1:{self.port}") != 0
        except RuntimeError:  # so newer ones say it
            return False

    def leave(self):
        """Nobody looks any more: whatever takes long ends."""
        self.gate.set()
        self.leaving.set()

    def stop(self):
        self.leave()
        self.server.stop(0).wait()
        self.gate.clear()
        self.leaving.clear()

    def Send(self, request, context):
        self.handle("Send", request, context)
        return receipt_pb2.Receipt()

    def Note(self, request, context):
        self.handle("Note", request, context)
        return pb_empty()

    def OnSent(self, request, context):
        self.note("OnSent", request, context)
        return pb_empty()

    def Plain(self, request, context):
        return request

    def note(self, rpc, request, context):
        metadata = dict(context.invocation_metadata())
        seen = Seen(rpc, request, metadata.get("parley-message-id"), int(metadata.get("parley-attempt", "0")), metadata.get("parley-key"),
                    metadata, time.monotonic())
        with self.changed:
            self.seen.append(seen)
            self.changed.notify_all()
        return seen

    def handle(self, rpc, request, context):
        with self.changed:
            self.running[request.to] += 1
            self.running[None] += 1
            for key in (request.to, None):
                self.most[key] = max(self.most[key], self.running[key])
            self.changed.notify_all()
        try:
            seen = self.note(rpc, request, context)
            word, *more = request.text.split() or [""]
            if word == "take":
                end = time.monotonic() + float(more[0])
                while context.is_active() and time.monotonic() < end and not self.leaving.wait(0.01):
                    pass
            if word == "hold":
                while context.is_active() and not self.gate.wait(0.05):
                    pass
            if word == "later" and seen.attempt == 1:
                context.set_trailing_metadata([("grpc-status-details-bin", retry_info(float(more[0])))])
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "later")
            if word == "fail" and (len(more) < 2 or seen.attempt <= int(more[1])):
                context.abort(grpc.StatusCode[more[0]], f"attempt {seen.attempt} fails on purpose")
        finally:
            with self.changed:
                self.running[request.to] -= 1
                self.running[None] -= 1
                self.changed.notify_all()

    def wait(self, count, seconds=60):
        """What was seen, once that is `count` calls."""
        return self.wait_for(lambda seen: len(seen) >= count, seconds)

    def wait_for(self, what, seconds=60):
        """What was seen, once `what` is true of it."""
        with self.changed:
            assert self.changed.wait_for(lambda: what(self.seen), seconds), f"{len(self.seen)} calls: {self.seen}"
            return list(self.seen)

    def wait_running(self, count, seconds=60):
        """Until so many are at work at the same time."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.running[None] >= count, seconds), f"{self.running[None]} of {count} run: {self.seen}"


def retry_info(seconds):
    """A google.rpc.Status that says when to try again."""
    info = details_pb2.RetryInfo()
    info.retry_delay.FromMilliseconds(int(seconds * 1000))
    status = status_pb2.Status(code=grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], message="later")
    status.details.add().Pack(info)
    return status.SerializeToString()


def pb_empty():
    from google.protobuf import empty_pb2

    return empty_pb2.Empty()
