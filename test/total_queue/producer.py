"""A producer of the total-queue check."""

import http.client
import json
import random
import threading
import time


class Lane:
    """What is numbered together: published one after the other. `headers` go with each call, `padding` fills its message."""

    def __init__(self, name, rpc, *, ordered=True, headers=None, padding=0):
        self.name = name
        self.rpc = rpc
        self.ordered = ordered
        self.headers = {"Content-Type": "application/json", **(headers or {})}
        self.padding = "." * padding
        self.number = 0

    def body(self, number):
        return json.dumps({"id": f"{self.name}-{number}", "key": self.name if self.ordered else "", "lane": self.name, "number": number,
                           "padding": self.padding})


class Producer(threading.Thread):
    """Publishes the next number of one of its lanes again and again; sends one again, as the same message, until it is acknowledged."""

    def __init__(self, port, lanes, seed, pause):
        super().__init__(daemon=True)
        self.port, self.lanes, self.chance, self.pause = port, lanes, random.Random(seed), pause
        self.sent, self.acknowledged = set(), set()
        self.refused = ""
        self.again = 0  # calls whose outcome is not known
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set() and not self.refused:
            lane = self.chance.choice(self.lanes)
            lane.number += 1
            work = (lane.name, lane.number)
            self.sent.add(work)
            while not self.publish(lane):
                if self.ending.is_set() or self.refused:
                    return
                self.again += 1
                time.sleep(0.05)
            self.acknowledged.add(work)
            time.sleep(self.chance.uniform(0, self.pause))

    def publish(self, lane):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3)
            try:
                connection.request("POST", f"/{lane.rpc}", lane.body(lane.number), lane.headers)
                response = connection.getresponse()
                text = response.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException):
            return False
        if response.status == 202:
            return True
        # A 409 is that of a call that came again while the first one is still on its way.
        if response.status < 500 and response.status != 429 and b"dedup_in_flight" not in text:
            self.refused = f"publishing {lane.name}#{lane.number} is answered {response.status}: {text.decode(errors='replace')}"
        return False
