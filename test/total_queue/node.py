"""A Parley node that is killed and stopped, at random moments and at fail points (src/base/fail_point.h)."""

import collections
import mmap
import signal
import time

import parley_node

# A fail point, and how many times at most it is passed before it does its work: a second or two at the load of this check. Those of a segment
# take as long as 64 MiB of messages do: they are armed in passing, and nobody waits for them.
DELIVERY = {"delivery_leased": 50, "delivery_handled": 50, "delivery_settled": 50}
PUBLISHING = {"publish_stored": 50}
PULLING = {"lease_granted": 10, "settle_stored": 10}
JOURNAL = {"journal_write": 200, "journal_written": 200, "journal_synced": 200, "checkpoint_begin": 1, "checkpoint_end": 1,
           "segment_begin": 1, "segment_begun": 1, "segment_remove": 1, "segment_removed": 1}
TO_MEET = 12  # seconds: a checkpoint comes every five; a killed member's share of a Kafka group rests for three


class Patience:
    """Seconds that may pass. A test that is itself stopped for a while does not lose them."""

    def __init__(self, seconds):
        self.left, self.last = seconds, time.monotonic()

    def is_over(self):
        now = time.monotonic()
        self.left -= min(now - self.last, 3)
        self.last = now
        return self.left < 0


def has_fail_points(binary):
    with open(binary, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
        return content.find(b"PARLEY_FAIL_POINT\0") >= 0


class Node:
    """`points`: the fail points that it meets, with their counts; empty where the binary has none. `armings` counts what was armed, `fired` what
    did its work. After each method the node is ready, whatever happened on the way."""

    def __init__(self, name, binary, config, log, points, chance):
        self.parley = parley_node.Parley(binary, config)
        self.parley.log_path = str(log)
        self.name, self.points, self.all_points, self.chance = name, points, list(points), chance
        self.armed = None
        self.to_meet = []  # all of them come by before one comes again
        self.armings, self.fired = collections.Counter(), collections.Counter()

    def start(self):
        segments = [point for point in self.points if point.startswith("segment")]
        self.launch(self.arming(self.chance.choice(segments)) if segments and self.chance.random() < 0.5 else None)
        self.wait_until_ready()

    def kill(self):
        self.end()
        self.start()

    def stop_for(self, seconds):
        self.parley.signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.parley.signal(signal.SIGCONT)

    def restart(self):
        """By SIGTERM. A checkpoint belongs to the end, and so do its fail points."""
        self.wait_until_ready()  # one that has just begun ends by the signal itself
        process, patience = self.parley.process, Patience(120)
        process.terminate()
        while process.poll() != 0:
            self.look(may_end=True)
            if self.parley.process is not process:
                return self.wait_until_ready()
            if patience.is_over():
                raise self.failed("does not stop within 120 s of SIGTERM")
            time.sleep(0.02)
        return self.start()

    def meet_fail_point(self, seconds=TO_MEET):
        """Kills it, and has it meet a fail point in its next life, if it does so within `seconds`."""
        if not self.to_meet:
            some = [point for point in self.points if not point.startswith("segment")]
            self.to_meet = self.chance.sample(some, len(some))
        point = self.to_meet.pop()
        self.end()
        self.launch(self.arming(point))
        fired, patience = self.fired.total(), Patience(seconds)
        if point.startswith("checkpoint") and self.chance.random() < 0.5:
            self.wait_until_ready()
            self.restart()
        while self.fired.total() == fired and not patience.is_over():
            self.look()
            time.sleep(0.02)
        self.wait_until_ready()

    def calm(self):
        """Nothing happens any more."""
        self.look()
        self.points = {}
        if self.armed:
            self.kill()
        self.wait_until_ready()

    def look(self, may_end=False):
        """Whether a fail point did its work: then the process goes on, or there is a new one. Fails if the node ended by itself, unless it may."""
        code = self.parley.process.poll()
        may_stop = self.armed is not None and self.armed.endswith(":stop")
        if (code is None and not (may_stop and self.is_stopped())) or (code == 0 and may_end):
            return
        if code is not None and not (self.armed and code == -signal.SIGKILL):
            raise self.failed(f"ended by itself with {code}")
        self.fired[self.armed.partition(":")[0]] += 1
        self.armed = None
        if code is None:
            time.sleep(self.chance.uniform(0, 1))
            if self.chance.random() < 0.5:
                self.parley.signal(signal.SIGCONT)
                return
            self.end()
        self.launch(None)

    def arming(self, point):
        self.armings[point] += 1
        return f"{point}:{self.chance.randint(1, self.points[point])}{self.chance.choice(['', '', ':stop'])}"

    def launch(self, armed):
        self.armed = armed
        self.parley.env = {"PARLEY_FAIL_POINT": armed} if armed else {}
        self.parley.launch()

    def end(self):
        self.parley.process.kill()
        self.parley.process.wait()

    def is_stopped(self):
        with open(f"/proc/{self.parley.process.pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] == "T"

    def wait_until_ready(self):
        patience = Patience(120)
        while True:
            self.look()
            answer = self.parley.readiness()
            if answer == 200:
                return
            if patience.is_over():
                raise self.failed(f"is not ready after 120 s ({answer})")
            time.sleep(0.02)

    def failed(self, what):
        return parley_node.ParleyFailed(f"{self.name} {what}; the end of its log:\n{self.parley.log()[-8000:]}")
