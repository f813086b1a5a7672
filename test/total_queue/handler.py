"""The handler of the total-queue check: an HTTP/JSON service that writes down what it handled before it says so.

    handler.py PORT FILE SEED

A line a message (record.py). Some calls fail with 503, some are slow; both by a random number generator of SEED.
"""

import http.server
import json
import random
import sys
import threading
import time

import record

port, path, seed = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
written = record.open_record(path)
chance = random.Random(seed)
lock = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two writes: the second would wait for the acknowledgement of the first

    def do_POST(self):
        work = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with lock:
            fate = chance.random()
        if fate < 0.05:
            self.answer(503, {"title": "not now"})
            return
        if fate < 0.1:
            time.sleep(0.05)
        record.write(written, work["lane"], work["number"])
        self.answer(200, {})

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


Server(("127.0.0.1", port), Handler).serve_forever()
