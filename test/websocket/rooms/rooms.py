"""Answers rooms.proto with grpcio: python rooms.py PORT FOLDER, where FOLDER has Parley's own .proto files."""

import os
import queue
import sys
import threading
from concurrent import futures

import grpc
from google.protobuf import empty_pb2

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), sys.argv[2]]
pb, pb_grpc = grpc.protos_and_services("rooms.proto")


class Rooms(pb_grpc.RoomsServicer):
    def __init__(self):
        self.lock = threading.Lock()
        self.watchers = []
        self.ever = 0
        self.prices = 0

    def Watch(self, request, context):
        lines = queue.Queue()
        watcher = (request.room, lines)
        metadata = dict(context.invocation_metadata())
        with self.lock:
            self.watchers.append(watcher)
            self.ever += 1

        def gone():
            with self.lock:
                self.watchers.remove(watcher)
            lines.put(None)

        if not context.add_callback(gone):
            gone()  # it had ended before it was begun here
        context.send_initial_metadata((("x-room", request.room),))
        number = 0
        while (text := lines.get()) is not None:
            if text == "end":
                return
            if text == "fail":
                context.abort(grpc.StatusCode.NOT_FOUND, "the room is gone")
            number += 1
            yield pb.Line(number=number, text=text, tenant=metadata.get("x-tenant", "") + metadata.get("x-other", ""))

    WatchOrClose = Watch

    def Prices(self, request, context):
        for number in range(request.count):
            yield pb.Line(number=number + 1, text="x" * request.size)
        with self.lock:
            self.prices += 1

    def Post(self, request, context):
        with self.lock:
            for room, lines in self.watchers:
                if room == request.room:
                    for text in request.texts:
                        lines.put(text.ljust(request.size, "."))
        return empty_pb2.Empty()

    def Census(self, request, context):
        with self.lock:
            return pb.Counts(running=len(self.watchers), ever=self.ever, prices=self.prices)


def main():
    server = grpc.server(futures.ThreadPoolExecutor(64), options=(("grpc.so_reuseport", 0),))
    pb_grpc.add_RoomsServicer_to_server(Rooms(), server)
    if server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}") == 0:
        sys.exit(f"cannot listen on {sys.argv[1]}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
