"""Writes and syncs that fail. After one of them nobody knows what is on the disk: the store acknowledges nothing more, not even when the next sync would
succeed, and says why. A restart goes on from what is there, and everything that was acknowledged is.

The faults are failing_calls.c's, between the node and the C library."""

import errno
import mmap
import pathlib
import struct
import subprocess
import threading
import time

import pytest
from conftest import Refused

HERE = pathlib.Path(__file__).resolve().parent
CALLS = ["nothing", "fdatasync", "fsync", "pwritev", "short pwritev"]  # as failing_calls.c numbers them
PAGE = "=ii1000s"


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """failing_calls.c, compiled."""
    made = tmp_path_factory.mktemp("library") / "failing_calls.so"
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", made, HERE / "failing_calls.c", "-ldl"], check=True)
    return made


class Faults:
    """What fails in a node that was started with `environment`."""

    def __init__(self, library, page):
        page.write_bytes(bytes(4096))
        with open(page, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 0)
        self.environment = {"LD_PRELOAD": str(library), "PARLEY_FAULT": str(page)}

    def begin(self, call, where):
        """From now on `call` fails with EIO for files with `where` in their path."""
        struct.pack_into(PAGE, self.page, 0, 0, errno.EIO, where.encode())
        struct.pack_into("=i", self.page, 0, CALLS.index(call))

    def end(self):
        struct.pack_into("=i", self.page, 0, 0)


@pytest.fixture
def faults(library, tmp_path):
    return Faults(library, tmp_path / "fault")


@pytest.fixture
def node(new_node, tmp_path, faults):
    return new_node(tmp_path / "data", faults.environment).start()


class Producers:
    """Four that publish until they are refused, with a pause after each message."""

    def __init__(self, node, size=100, pause=0.0):
        self.node, self.size, self.pause, self.refusals, self.sent, self.most = node, size, pause, [], 0, 20_000
        self.threads = [threading.Thread(target=self.publish, args=(number,)) for number in range(4)]
        for thread in self.threads:
            thread.start()

    def publish(self, number):
        with self.node.client() as client:
            while self.sent < self.most:
                self.sent += 1
                try:
                    self.node.send(client, to=f"k{number}", text="x" * self.size)
                except Refused as refused:
                    self.refusals.append(refused)
                    return
                time.sleep(self.pause)

    def wait(self):
        for thread in self.threads:
            thread.join()
        return self.refusals


FAULTS = [  # call, of which files, bytes a message, pause between two, what the log names
    pytest.param("fdatasync", "/journal/", 100, 0.0, ["syncing", ".journal"], id="sync of the journal"),
    pytest.param("pwritev", "/journal/", 100, 0.0, ["writing", ".journal"], id="write into the journal"),
    pytest.param("fdatasync", "/journal/next", 16 << 10, 0.0, ["syncing", "journal/next"], id="sync of the next segment"),
    pytest.param("fsync", "/journal", 16 << 10, 0.0, ["syncing the folder", "messages/journal"], id="sync of the journal's folder"),
    # A checkpoint is made 5 s after the first message.
    pytest.param("fdatasync", ".sst", 100, 0.05, ["/messages/view/", ".sst"], id="sync of the view's table"),
    pytest.param("fdatasync", "MANIFEST", 100, 0.05, ["/messages/view/", "MANIFEST"], id="sync of the view's manifest"),
    pytest.param("fsync", "/view", 100, 0.05, ["/messages/view"], id="sync of the view's folder"),
]


@pytest.mark.parametrize("call, where, size, pause, named", FAULTS)
def test_the_store_halts_for_good_after_a_failed(new_node, node, faults, mailer, call, where, size, pause, named):
    for _ in range(20):
        node.send()
    producers = Producers(node, size, pause)
    if where == "/journal/":
        time.sleep(0.2)
    faults.begin(call, where)
    refusals = producers.wait()
    assert len(refusals) == 4
    for refused in refusals:
        assert (refused.status, refused.problem["code"], refused.problem["reason"]) == (503, "UNAVAILABLE", "store_halted"), refused
    said = [line for line in node.log().splitlines() if " error " in line]
    assert len(said) == 1 and all(part in said[0] for part in [*named, "Input/output error"]), said

    faults.end()
    with pytest.raises(Refused) as still:
        node.send()
    assert still.value.problem["reason"] == "store_halted", "a sync that succeeds means nothing after one that failed"
    mailer.start()
    time.sleep(0.5)
    assert not mailer.seen, "nothing is delivered from a state that may not be on the disk"
    metrics = node.metrics()
    assert (metrics["parley_store_halted"], metrics["parley_store_disk_full"]) == (1, 0)
    status, text = node.ready()
    assert status == 503 and "halted" in text and all(part in text for part in named), text

    node.stop()
    again = new_node(node.config["data"]).start()
    assert again.ready()[0] == 200
    mailer.wait_for_all(node.acknowledged)
    again.send()


def test_writes_that_are_cut_short_are_completed(node, faults, mailer):
    faults.begin("short pwritev", "/journal/")
    producers = Producers(node)
    end = time.monotonic() + 120
    while len(node.acknowledged) <= 50:
        assert time.monotonic() < end, producers.refusals
        time.sleep(0.05)
    producers.sent = producers.most
    assert not producers.wait()
    faults.end()
    node.kill()
    node.start()
    mailer.start()
    mailer.wait_for_all(node.acknowledged)


@pytest.mark.parametrize("call, where", [("fdatasync", "/journal"), ("fsync", "/journal"), ("fdatasync", "/view")])
def test_a_node_does_not_begin_on_a_disk_that_does_not_sync(new_node, tmp_path, faults, call, where):
    faults.begin(call, where)
    node = new_node(tmp_path / "data", faults.environment)
    with pytest.raises(AssertionError) as failed:
        node.start()
    text = str(failed.value)
    assert "exited with 2" in text and str(tmp_path / "data") in text and where in text and "Input/output error" in text, text
