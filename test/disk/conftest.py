"""Nodes with a mailer that handles what they deliver (test/messages has both contract and mailer), and what was acknowledged."""

import json
import os
import pathlib
import re
import subprocess
import sys
import threading

import httpx
import parley_node
import pytest

HERE = pathlib.Path(__file__).resolve().parent
MESSAGES = HERE.parent / "messages"
sys.path.append(str(MESSAGES))
import mailer as mailer_module  # noqa: E402  before grpc: it tells it to leave forks alone
import grpc  # noqa: E402

BINARY = os.environ["PARLEY_BINARY"]
QUEUE = "mail.Mailer/Send"


class Refused(Exception):
    """A call that was answered with an error: `status` of HTTP and the problem document."""

    def __init__(self, answer):
        super().__init__(f"{answer.status_code}: {answer.text}")
        self.status, self.problem = answer.status_code, answer.json()


class Node(parley_node.Parley):
    """Knows what it acknowledged: `acknowledged` are the ids of all receipts, over restarts too."""

    def __init__(self, binary, config, **more):
        super().__init__(binary, config, **more)
        self.acknowledged = []
        self.lock = threading.Lock()

    def client(self):
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, trust_env=False)

    def send(self, client=None, **mail):
        """Publishes over REST and returns the message's id. Raises Refused; httpx.HTTPError where the node is gone."""
        if client is None:
            with self.client() as client:
                return self.send(client, **mail)
        answer = client.post("/v1/mails", json={"to": "ada", **mail})
        if answer.status_code != 202:
            raise Refused(answer)
        with self.lock:
            self.acknowledged.append(answer.json()["messageId"])
        return answer.json()["messageId"]

    def fill(self, size=256 << 10, most=5000):
        """Publishes until it is refused, four at a time; returns how many were taken and the refusals."""
        before, refusals = len(self.acknowledged), []

        def publish(thread):
            with self.client() as client:
                number = 0
                while not refusals and len(self.acknowledged) - before < most:
                    number += 1
                    try:
                        self.send(client, to=f"k{thread}-{number}", text="x" * size)
                    except Refused as refused:
                        refusals.append(refused)

        threads = [threading.Thread(target=publish, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(self.acknowledged) - before, refusals

    def send_grpc(self):
        """The same over gRPC; raises grpc.RpcError."""
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            receipt = mailer_module.pb_grpc.MailerStub(channel).Send(mailer_module.pb.Mail(to="ada"), timeout=60)
        self.acknowledged.append(receipt.message_id)

    def ready(self):
        answer = httpx.get(f"http://127.0.0.1:{self.admin}/readyz", trust_env=False, timeout=60)
        return answer.status_code, answer.text

    def metrics(self):
        """All samples that have no labels, and those of the store with their only one, by name and the label's value."""
        text = httpx.get(f"http://127.0.0.1:{self.admin}/metrics", trust_env=False, timeout=60).text
        found = re.findall(r'^(parley_\w+)(?:\{part="(\w+)"\})? ([\d.e+]+)$', text, re.M)
        return {f"{name} {part}".strip(): float(value) for name, part, value in found}

    def cli(self, *words):
        """A subcommand of parley against this node: (exit code, output)."""
        done = subprocess.run([self.binary, *words, "--node", f"127.0.0.1:{self.port}"], capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def queue(self):
        """How many messages are on which shelf."""
        code, text = self.cli("queue", "ls", "--json")
        assert code == 0, text
        (row,) = [row for row in json.loads(text)["queues"] if row["queue"] == QUEUE]
        return {shelf: int(row.get(shelf, 0)) for shelf in ("waiting", "leased", "delayed", "dead")}

    def held(self):
        """How many messages there are on all shelves: a node without a mailer takes one now and then, to see whether it is back."""
        return sum(self.queue().values())

    def kill(self):
        self.process.kill()
        self.process.wait()

    @property
    def journal(self):
        """The journal's segments, oldest first."""
        return sorted(pathlib.Path(self.config["data"]).glob("messages/journal/*.journal"))


class Mailer(mailer_module.Mailer):
    def wait_for_all(self, ids, seconds=180):
        """Waits until it was called for each of `ids`."""
        missing = set(ids)

        def all_there():
            missing.difference_update(seen.id for seen in self.seen)
            return not missing

        with self.changed:
            assert self.changed.wait_for(all_there, seconds), f"{len(missing)} of {len(ids)} acknowledged messages never came: {sorted(missing)[:5]}"


@pytest.fixture
def mailer():
    """Not started: a node without it keeps what it is sent."""
    made = Mailer(parley_node.free_port())
    yield made
    if made.server is not None:
        made.stop()


@pytest.fixture
def new_node(mailer):
    """Makes a node that is not started: new_node(data folder, {environment}, more=configuration)."""
    made = []

    def make(data, environment=None, **more):
        config = {"contracts": str(MESSAGES / "contracts"), "shards": 2, "timeouts": {"drain": "5s"}, "data": str(data),
                  "services": {"mailer": {"serves": ["mail.Mailer"], "at": f"grpc://127.0.0.1:{mailer.port}"}}, **more}
        made.append(Node(BINARY, config, env=environment))
        return made[-1]

    yield make
    for one in made:
        try:
            if one.process is not None and one.process.poll() is None:
                one.stop()
        finally:
            one.folder.cleanup()
