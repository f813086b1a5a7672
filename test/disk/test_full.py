"""A data folder that fills up: what is new is refused, what is there goes on, and space is all that is needed to come back."""

import contextlib
import os
import pathlib
import re
import subprocess
import time

import grpc
import pytest
from conftest import MESSAGES, QUEUE, Refused

DISK_MIB = 160  # two segments of 64 MiB, the first one's 4 and the reserve's 16, and a little


@pytest.fixture
def disk(tmp_path):
    """A file system of DISK_MIB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "parley", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def full(new_node, disk):
    """A node whose disk its own messages have filled."""
    node = new_node(disk / "data").start()
    taken, refusals = node.fill()
    assert taken > 100 and refusals, f"{taken} messages of 256 KiB on {DISK_MIB} MiB"
    return node


def state(node):
    """What a reader of a failure asks first: the files, the space that is left, and what the store says of itself."""
    folder = pathlib.Path(node.config["data"])
    files = [f"{file.relative_to(folder)} {file.stat().st_size} ({file.stat().st_blocks * 512})" for file in sorted(folder.rglob("*")) if file.is_file()]
    store = {name: value for name, value in node.metrics().items() if name.startswith("parley_store")}
    return "\n".join([*files, f"free: {free_bytes(folder)}", f"{store}", f"{node.queue()}"])


def wait_until_taken(node, seconds=60):
    """Publishes until that works again; each one that is refused is refused as a full disk is."""
    end = time.monotonic() + seconds
    while True:
        try:
            return node.send()
        except Refused as refused:
            assert refused.problem["reason"] == "disk_full"
            assert time.monotonic() < end, f"still {refused}\n{state(node)}\n{node.log()[-3000:]}"
            time.sleep(0.1)


def wait_until_empty(node, seconds=60):
    end = time.monotonic() + seconds
    while node.held():
        assert time.monotonic() < end, node.queue()
        time.sleep(0.1)


def free_bytes(folder):
    about = os.statvfs(folder)
    return about.f_bavail * about.f_frsize


def on_disk(disk, part):
    """What the store's files take."""
    sizes = []
    for file in (disk / "data" / "messages" / part).iterdir():
        with contextlib.suppress(FileNotFoundError):  # one that is no longer needed goes
            sizes.append(file.stat().st_blocks * 512)
    return sum(sizes)


def eventually(check, seconds=60):
    """Until what changes in the background is as it is to be."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it never was"
        time.sleep(0.1)


def test_publishing_is_refused_with_what_is_full_and_what_helps(full):
    with pytest.raises(Refused) as refused:
        full.send()
    problem = refused.value.problem
    assert (refused.value.status, problem["code"], problem["reason"]) == (429, "RESOURCE_EXHAUSTED", "disk_full")
    with pytest.raises(grpc.RpcError) as failed:
        full.send_grpc()
    assert failed.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    for text in (problem["detail"], failed.value.details()):
        assert "disk" in text and "full" in text and "nothing was stored" in text and "space" in text, text
        assert "/data" not in text, "callers need not know where the node keeps its files"


def test_the_log_says_it_once_with_the_folder_and_how_much_is_needed(full, disk):
    for _ in range(50):
        with pytest.raises(Refused):
            full.send()
    said = [line for line in full.log().splitlines() if "disk is full" in line]
    assert len(said) == 1, said
    assert str(disk) in said[0]
    assert re.search(r"\d+ MiB", said[0]), said


def test_a_node_whose_disk_is_full_is_ready_and_shows_its_queues(full):
    assert full.ready()[0] == 200, "it delivers"
    assert full.held() == len(full.acknowledged)
    assert full.cli("queue", "peek", QUEUE, "-n", "1")[0] == 0


def test_the_metrics_say_that_publishing_is_refused_and_what_the_disk_has(full, disk, mailer):
    metrics = full.metrics()
    assert (metrics["parley_store_disk_full"], metrics["parley_store_halted"]) == (1, 0)
    refused = metrics["parley_store_refused_total"]
    assert refused >= 1
    eventually(lambda: full.metrics()["parley_store_free_bytes"] == free_bytes(disk))
    assert on_disk(disk, "journal") > 80 << 20
    for part in ("journal", "view"):
        eventually(lambda part=part: abs(full.metrics()[f"parley_store_bytes {part}"] - on_disk(disk, part)) < 1 << 20)
    with pytest.raises(Refused):
        full.send()
    assert full.metrics()["parley_store_refused_total"] > refused
    mailer.start()
    mailer.wait_for_all(full.acknowledged)
    wait_until_taken(full)
    eventually(lambda: not full.metrics()["parley_store_disk_full"])


def test_a_smaller_segment_is_for_a_smaller_disk(new_node, disk, mailer):
    """Space comes back in pieces of a segment: 4 MiB here, on a disk that has no room for two of 64 MiB."""
    leave(disk, 100 << 20)
    node = new_node(disk / "data", store={"segment_bytes": "4MiB"}).start()
    taken, refusals = node.fill()
    assert refusals and taken > 200, taken
    sizes = [file.stat().st_blocks * 512 for file in node.journal]
    assert len(sizes) >= 10 and max(sizes) <= 9 << 20, sizes
    mailer.start()
    mailer.wait_for_all(node.acknowledged)
    wait_until_empty(node)
    wait_until_taken(node)
    eventually(lambda: node.metrics()["parley_store_bytes journal"] <= 40 << 20)


def test_what_is_there_is_handled_and_makes_space(new_node, disk, mailer):
    full = new_node(disk / "data").start()
    _, refusals = full.fill()
    assert refusals
    mailer.start()
    mailer.wait_for_all(full.acknowledged)
    wait_until_empty(full)
    wait_until_taken(full)
    taken, _ = full.fill(most=60)
    assert taken >= 60
    mailer.wait_for_all(full.acknowledged)
    assert len(mailer.seen) == len(set(seen.id for seen in mailer.seen)), "nothing came twice"
    assert sum("disk has space again" in line for line in full.log().splitlines()) >= 1


def test_space_that_somebody_else_frees_is_enough(new_node, disk, mailer):
    with open(disk / "ballast", "wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, 70 << 20)
    node = new_node(disk / "data").start()
    _, refusals = node.fill()
    assert refusals
    os.unlink(disk / "ballast")
    wait_until_taken(node)
    taken, _ = node.fill(most=60)
    assert taken >= 60
    mailer.start()
    mailer.wait_for_all(node.acknowledged)


def test_a_purge_makes_space(full):
    code, text = full.cli("queue", "purge", QUEUE, "--shelf", "waiting", "--yes")
    assert code == 0, text
    wait_until_taken(full)


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("reserve", ["held", "given up"])
def test_a_restart_on_a_full_disk_comes_up_and_delivers(full, disk, mailer, end, reserve):
    if reserve == "given up":  # for a checkpoint; what it leaves of that, somebody else takes
        eventually(lambda: (disk / "data/messages/journal/reserve").stat().st_size <= 1 << 20)
    with open(disk / "ballast", "wb", buffering=0) as ballast:  # to the last byte
        while free_bytes(disk):
            with contextlib.suppress(OSError):  # the node was faster
                ballast.write(bytes(min(free_bytes(disk), 1 << 20)))
    getattr(full, end)()
    full.start()
    assert full.held() == len(full.acknowledged)
    mailer.start()
    mailer.wait_for_all(full.acknowledged)
    wait_until_empty(full)
    os.unlink(disk / "ballast")
    wait_until_taken(full)
    mailer.wait_for_all(full.acknowledged)


def changed_contract(folder, what, to):
    """A folder with the mailer's contract, changed."""
    contract = (MESSAGES / "contracts" / "mail.proto").read_text()
    assert what in contract
    (folder / "contracts").mkdir()
    (folder / "contracts" / "mail.proto").write_text(contract.replace(what, to))
    return str(folder / "contracts")


def test_a_restart_between_two_deliveries_on_a_full_disk(full, mailer):
    """What was settled while the disk was full stays settled."""
    mailer.start()
    mailer.wait(150, 120)
    full.kill()
    before = len(mailer.seen)
    full.start()
    mailer.wait_for_all(full.acknowledged)
    again = len(mailer.seen) - len(set(seen.id for seen in mailer.seen))
    # Eight are in flight at a time: once at the end, and once each time that the machine stops for longer than a lease.
    assert again <= 40, f"{again} of {before} came twice, more than were in flight"


def test_a_start_with_new_queues_on_a_full_disk(new_node, full, mailer, tmp_path):
    """Declaring takes a few bytes of the reserve: a new version of the contract does not keep the node from delivering."""
    full.stop()
    contracts = changed_contract(tmp_path, "rpc Plain(Mail) returns (Mail);", """rpc Plain(Mail) returns (Mail);
        rpc Later(Mail) returns (parley.Receipt) { option (parley.queue) = {}; }""")
    again = new_node(full.config["data"], contracts=contracts).start()
    mailer.start()
    mailer.wait_for_all(full.acknowledged)
    wait_until_taken(again)


def leave(disk, size):
    """Fills the disk with something else, but for `size`."""
    with open(disk / "ballast", "wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, (DISK_MIB << 20) - size)


def test_a_disk_without_any_space_is_named_at_the_start(new_node, disk):
    leave(disk, 0)
    node = new_node(disk / "data")
    with pytest.raises(AssertionError) as failed:
        node.start()
    text = str(failed.value)
    assert "exited with 2" in text and "No space left on device" in text and str(disk) in text, text


def test_a_first_start_with_hardly_any_space_waits_for_more(new_node, disk, mailer):
    leave(disk, 1 << 20)
    node = new_node(disk / "data").start()
    assert any("disk is full" in line and str(disk) in line for line in node.log().splitlines())
    with pytest.raises(Refused) as refused:
        node.send()
    assert refused.value.problem["reason"] == "disk_full"
    os.unlink(disk / "ballast")
    wait_until_taken(node)
    mailer.start()
    mailer.wait_for_all(node.acknowledged)
