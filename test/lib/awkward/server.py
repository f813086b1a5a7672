"""Answers awkward.proto with grpcio, another implementation of gRPC than Parley's: python server.py PORT."""

import hashlib
import os
import sys
import threading
from concurrent import futures

import grpc
from google.api import httpbody_pb2
from google.protobuf import any_pb2, empty_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha import reflection

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
pb, pb_grpc = grpc.protos_and_services("awkward.proto")

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def fail(context, code, message, with_details=False):
    """Ends the call with a code; with details, as google.rpc.Status in grpc-status-details-bin."""
    if with_details:
        details = [any_pb2.Any(), any_pb2.Any()]
        details[0].Pack(error_details_pb2.ErrorInfo(reason="AWKWARD", domain="test", metadata={"k": "v"}))
        details[1].Pack(error_details_pb2.RetryInfo())
        status = status_pb2.Status(code=code, message=message, details=details)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(_CODES[code], message)


class Awkward(pb_grpc.AwkwardServicer):
    def __init__(self):
        self.lock = threading.Lock()
        self.running = 0
        self.cancelled = 0

    def enter(self, context):
        """Counts the call as running until it ends, and as cancelled if the peer ended it. Returns an event for that."""
        gone = threading.Event()
        finished = threading.Event()
        with self.lock:
            self.running += 1

        def ended():
            with self.lock:
                self.running -= 1
                self.cancelled += not finished.is_set()
            gone.set()

        if not context.add_callback(ended):  # it has ended already
            ended()
        return gone, finished

    def echo(self, rpc, request, context, update_mask=None):
        metadata = {}
        for key, value in context.invocation_metadata():
            metadata[key] = ",".join(filter(None, [metadata.get(key), value.hex() if isinstance(value, bytes) else value]))
        remaining = context.time_remaining()
        if "x-answer-with" in metadata:
            context.send_initial_metadata((("x-answer", metadata["x-answer-with"]), ("x-answer-bin", b"\x00\xffbin")))
            context.set_trailing_metadata((("x-trailer", metadata["x-answer-with"]), ("x-trailer-bin", b"\x01\xfe")))
        return pb.Echoed(rpc=rpc, request=request, update_mask=update_mask, metadata=metadata,
                         remaining_ms=int(remaining * 1000) if remaining and remaining < 1e8 else 0)

    def Get(self, request, context):
        return self.echo("Get", request, context)

    def Post(self, request, context):
        return self.echo("Post", request, context)

    def PostInner(self, request, context):
        return self.echo("PostInner", request, context)

    def PostTags(self, request, context):
        return self.echo("PostTags", request, context)

    def Patch(self, request, context):
        return self.echo("Patch", request.thing, context, request.update_mask)

    def Delete(self, request, context):
        return empty_pb2.Empty()

    def Search(self, request, context):
        return self.echo("Search", request, context)

    def InnerOnly(self, request, context):
        return request

    def TagsOnly(self, request, context):
        return request

    def NoRule(self, request, context):
        return self.echo("NoRule", request, context)

    def Fail(self, request, context):
        fail(context, request.code, request.message, request.with_details)

    def Sleep(self, request, context):
        gone, finished = self.enter(context)
        if gone.wait(request.ms / 1000):
            return pb.Echoed()
        finished.set()
        return self.echo("Sleep", None, context)

    def Ticks(self, request, context):
        gone, finished = self.enter(context)
        if request.headers_first:
            context.send_initial_metadata((("x-early", "yes"),))
        for index in range(request.count):
            yield pb.Tick(index=index, text="x" * request.size)
            if request.delay_ms and gone.wait(request.delay_ms / 1000):
                return
            if gone.is_set():
                return
        finished.set()
        if request.code:
            fail(context, request.code, request.message)

    def Sum(self, requests, context):
        total = pb.Total()
        for number in requests:
            total.sum += number.value
            total.count += 1
        return total

    def Chat(self, requests, context):
        for line in requests:
            if line.text == "fail":
                fail(context, 9, "asked to fail")
            yield pb.Line(text=line.text.upper())

    def Download(self, request, context):
        if request.code:
            fail(context, request.code, "no such file")
        return httpbody_pb2.HttpBody(content_type=request.content_type or "application/octet-stream",
                                     data=bytes(i % 251 for i in range(request.size)))

    def DownloadParts(self, request, context):
        data = bytes(i % 251 for i in range(request.size))
        part = request.part or 1000
        for start in range(0, len(data), part):
            first = start == 0
            yield httpbody_pb2.HttpBody(content_type=(request.content_type or "text/csv") if first else "", data=data[start:start + part])
        if request.code:
            fail(context, request.code, "broke off")

    def Upload(self, request, context):
        return pb.Uploaded(name=request.name, content_type=request.file.content_type, size=len(request.file.data),
                           sha256=hashlib.sha256(request.file.data).hexdigest(), parts=1)

    def UploadParts(self, requests, context):
        digest = hashlib.sha256()
        reply = pb.Uploaded()
        for part in requests:
            reply.content_type = reply.content_type or part.content_type
            reply.size += len(part.data)
            reply.parts += 1
            digest.update(part.data)
        reply.sha256 = digest.hexdigest()
        return reply

    def Census(self, request, context):
        with self.lock:
            return pb.Counts(running=self.running, cancelled=self.cancelled)


def main():
    options = (("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
    server = grpc.server(futures.ThreadPoolExecutor(64), options=options)
    pb_grpc.add_AwkwardServicer_to_server(Awkward(), server)
    reflection.enable_server_reflection(("awkward.v1.Awkward", reflection.SERVICE_NAME), server)
    if server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}") == 0:
        sys.exit(f"cannot listen on {sys.argv[1]}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
