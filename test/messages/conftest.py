"""A mailer that follows orders, and nodes in front of it. Each test has its own, so that a queue holds nothing of another test's."""

import os
import re
import sys
import time

import httpx
import mailer as mailer_module
import parley_node
import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "websocket"))  # its client's side
BINARY = os.environ["PARLEY_BINARY"]
CONTRACTS = os.path.join(HERE, "contracts")
# The contract's leases outlive whatever a loaded machine does. For tests that wait for the end of one:
SHORT_LEASE = {'lease: "60s"': 'lease: "6s"'}


class Node(parley_node.Parley):
    """With what the tests ask of it."""

    def client(self):
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False)

    def send(self, rpc="/v1/mails", headers=None, **mail):
        """Enqueues over REST; returns the receipt."""
        with self.client() as client:
            answer = client.post(rpc, json=mail, headers=headers)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def metric(self, name, **labels):
        """The value of one sample of /metrics; 0 where it is not there."""
        text = httpx.get(f"http://127.0.0.1:{self.admin}/metrics", trust_env=False, timeout=60).text
        for line in text.splitlines():
            if not line.startswith(name + "{"):
                continue
            found = dict(re.findall(r'(\w+)="([^"]*)"', line))
            if all(found.get(key) == value for key, value in labels.items()):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def messages(self, state, queue="mail.Mailer/Send"):
        return self.metric("parley_queue_messages", queue=queue, state=state)

    def wait_messages(self, state, count, queue="mail.Mailer/Send", seconds=60):
        """Waits until so many messages are on that shelf."""
        end = time.monotonic() + seconds
        while (now := self.messages(state, queue)) != count:
            assert time.monotonic() < end, f"{now} messages are {state}, not {count}\n{self.log()[-3000:]}"
            time.sleep(0.1)

    def wait_metric(self, value, name, seconds=60, **labels):
        """Waits until that sample is so much: what is counted is counted once it is over, a little behind what others see of it."""
        end = time.monotonic() + seconds
        while (now := self.metric(name, **labels)) != value:
            assert time.monotonic() < end, f"{name} {labels} is {now}, not {value}"
            time.sleep(0.05)

    def kill(self):
        self.process.kill()
        self.process.wait()


def changed_contract(folder, changes):
    """A folder with mail.proto, changed."""
    with open(os.path.join(CONTRACTS, "mail.proto")) as file:
        text = file.read()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    os.makedirs(os.path.join(folder, "changed"))
    with open(os.path.join(folder, "changed", "mail.proto"), "w") as file:
        file.write(text)
    return os.path.join(folder, "changed")


@pytest.fixture
def mailer():
    running = mailer_module.Mailer(parley_node.free_port()).start()
    yield running
    running.stop()


@pytest.fixture
def new_node(mailer, tmp_path):
    """Makes a node that is not started: new_node(timeouts={…}). `contract`: what the contract says, and what it shall say instead."""
    made = []

    def make(contract=None, **more):
        config = {"contracts": CONTRACTS if contract is None else changed_contract(str(tmp_path), contract), "shards": 2, "timeouts": {"drain": "30s"},
                  "services": {"mailer": {"serves": ["mail.Mailer"], "at": f"grpc://127.0.0.1:{mailer.port}"}}, **more}
        made.append(Node(BINARY, config))
        return made[-1]

    yield make
    mailer.leave()
    for one in made:
        try:
            if one.process is not None and one.process.poll() is None:
                one.stop()
        finally:
            one.folder.cleanup()


@pytest.fixture
def node(new_node):
    return new_node().start()
