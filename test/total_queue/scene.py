"""The processes of the total-queue check, and what can happen to them."""

import collections
import random
import signal
import subprocess
import sys
import time

import kinds
import node
import parley_node
import record


class Child:
    """A handler or a puller: `command` is started again after a kill. `port`: where it listens."""

    def __init__(self, command, log, port=None):
        self.command, self.log, self.port = command, log, port
        self.is_away = False  # killed or stopped
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=parley_node.die_with_parent)
        if self.port:
            parley_node.wait_for_port(self.port, self.process, what=self.command[1])
        self.is_away = False

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Scene:
    """One thread uses it. What is away comes back in `look`, so that one thing is away while another one goes."""

    def __init__(self, arguments, folder):
        self.folder = folder
        self.chance = random.Random(arguments.seed)
        self.record = folder / "handled"
        self.record.touch()
        self.counts = collections.Counter()
        self.later = []  # (when, what)
        self.began = time.monotonic()
        self.doing = ""  # what the check is at
        self.longest = (0, "nothing")
        self.kind = kinds.KINDS[arguments.backend](folder, arguments)
        self.handlers, self.pullers, self.nodes = [], [], []
        self.has_fail_points = node.has_fail_points(arguments.parley)
        self.faults = self.table()
        self.first = self.chance.sample(self.faults, len(self.faults))

    def start(self, arguments):
        self.parley = arguments.parley
        self.doing = "starting"
        self.kind.start()
        self.handlers = [self.start_handler(parley_node.free_port(), i) for i in range(arguments.handlers)]
        at = "http://" + ",".join(f"127.0.0.1:{handler.port}" for handler in self.handlers)
        services = {"total": {"serves": ["total.Queue"], "at": at}}
        for name, config, points in self.kind.nodes(services):
            one = node.Node(name, arguments.parley, config, self.folder / f"{name}.log", points if self.has_fail_points else {}, self.chance)
            self.nodes.append(one)
            one.start()
        self.pullers = [self.start_puller(i) for i in range(2)]

    @property
    def port(self):
        """Of the node that producers and pullers talk to."""
        return self.nodes[-1].parley.port

    def script(self, name, *words):
        return [sys.executable, str(kinds.HERE / name), *map(str, words), str(self.record), str(self.chance.randrange(1 << 30))]

    def start_handler(self, port, number):
        return Child(self.script("handler.py", port), self.folder / f"handler-{number}.log", port)

    def start_puller(self, number):
        return Child(self.script("puller.py", self.port, "total.Pulled/Take"), self.folder / f"puller-{number}.log")

    def table(self):
        """(how often, name, what happens)."""
        faults = [(4, "node killed", lambda: self.one_of(self.nodes).kill()), (2, "node restarted", lambda: self.one_of(self.nodes).restart()),
                  (2, "node stopped", lambda: self.one_of(self.nodes).stop_for(self.chance.uniform(0.1, 1))),
                  (2, "handler killed", lambda: self.kill_child(self.handlers)), (2, "handler stopped", lambda: self.stop_child(self.handlers)),
                  (1, "puller killed", lambda: self.kill_child(self.pullers)), (1, "puller stopped", lambda: self.stop_child(self.pullers))]
        if self.has_fail_points:
            faults.append((6, "fail point armed", lambda: self.one_of(self.nodes).meet_fail_point()))
        return faults + [(often, name, lambda happen=happen: happen(self.chance)) for often, name, happen in self.kind.faults()]

    def one_of(self, some):
        return self.chance.choice(some)

    def kill_child(self, children):
        child = self.one_of(children)
        if not child.is_away:
            child.kill()
            self.goes_away(child, self.chance.uniform(0, 0.5), child.start)

    def stop_child(self, children):
        child = self.one_of(children)
        if not child.is_away:
            child.signal(signal.SIGSTOP)
            self.goes_away(child, self.chance.uniform(0.1, 3), lambda: self.go_on(child))

    def goes_away(self, child, seconds, back):
        child.is_away = True
        self.later.append((time.monotonic() + seconds, back))

    @staticmethod
    def go_on(child):
        child.signal(signal.SIGCONT)
        child.is_away = False

    def fault(self):
        """One thing goes wrong, and right again, now or in `look`. First each thing once."""
        self.do(self.first.pop() if self.first else self.chance.choices(self.faults, [often for often, _, _ in self.faults])[0])

    def do(self, fault):
        _, name, happen = fault
        self.doing, began = f"fault {self.counts.total() + 1}: {name}", time.monotonic()
        happen()
        self.longest = max(self.longest, (time.monotonic() - began, self.doing))
        self.counts[name] += 1

    def insist(self, tries=4):
        """A short run may have armed few fail points, and met none of them yet."""
        for _ in range(tries if self.has_fail_points else 0):
            if not self.fired():
                self.do((1, "fail point armed", lambda: self.one_of(self.nodes).meet_fail_point(seconds=60)))

    def look(self, everything=False):
        """What is due comes back."""
        due = [entry for entry in self.later if everything or entry[0] <= time.monotonic()]
        self.later = [entry for entry in self.later if entry not in due]
        for _, back in due:
            back()
        for each in self.nodes:
            each.look()

    def wait(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(0.05)

    def calm(self):
        self.doing = "ending the faults"
        self.look(everything=True)
        for each in self.nodes:
            each.calm()

    def fired(self):
        return sum((each.fired for each in self.nodes), collections.Counter())

    def report(self):
        """What happened how often."""
        faults = ", ".join(f"{name} {self.counts[name]}" for _, name, _ in self.faults)
        lines = [f"faults: {faults}; the longest took {self.longest[0]:.1f} s ({self.longest[1]})"]
        if not self.has_fail_points:
            return lines + ["this binary has no fail points (it is a release build without PARLEY_FAIL_POINTS): kills and stops at random only"]
        armings, fired = sum((each.armings for each in self.nodes), collections.Counter()), self.fired()
        points = dict.fromkeys(point for each in self.nodes for point in each.all_points)
        return lines + ["fail points, met of armed: " + ", ".join(f"{point} {fired[point]}/{armings[point]}" for point in points)]

    def handled(self):
        return record.read(self.record)

    def drain(self, acknowledged, seconds):
        """Until everything acknowledged was handled, or nothing happened for so long."""
        self.doing = "draining"
        count, patience = -1, node.Patience(seconds)
        while not patience.is_over():
            handled = self.handled()
            if acknowledged <= set(handled):
                self.wait(1)  # what comes twice
                return
            if len(handled) != count:
                count, patience = len(handled), node.Patience(seconds)
            self.wait(0.3)

    def stop(self):
        """Nodes in good order, which fails if they cannot."""
        self.doing = "stopping the nodes"
        for each in reversed(self.nodes):
            each.parley.stop()

    def examine(self, lines=15):
        """For people: what nodes, handlers, pullers and the broker said last, and what the nodes say that is in their queues."""
        found = []
        for log in sorted(self.folder.glob("*.log")) + sorted(self.folder.glob("broker/log.txt")):
            found += [f"--- {log.name}, its end", *(line[:300] for line in log.read_text(errors="replace").splitlines()[-lines:])]
        for each in self.nodes:
            found += [f"--- the queues of {each.name} (/readyz: {each.parley.readiness()})", self.queues_of(each)]
        return found

    def queues_of(self, one):
        command = [self.parley, "queue", "ls", "--node", f"127.0.0.1:{one.parley.port}"]
        try:
            asked = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20, check=False)
        except subprocess.TimeoutExpired:
            return "no answer within 20 s"
        return asked.stdout.strip()

    def clear(self):
        for child in self.handlers + self.pullers:
            child.kill()
        for each in self.nodes:
            each.end()
        self.kind.stop()
