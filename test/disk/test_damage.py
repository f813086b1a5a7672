"""A stopped node's files are changed. What was synced and is damaged stops the start, with the file and the offset; a frame that a crash cut short is
cut off. docs/formats/store.md has the bytes."""

import pathlib
import re
import struct
import time

import pytest

PAGE = 4096  # a segment's header
HEAD = 40  # a frame's: "PFr1", two CRCs, the body's length at 12, the address at 16
FOUND = re.compile(r"(/\S+\.journal) is damaged at offset (\d+)")


def frames(segment):
    """(offset, bytes) of each frame."""
    raw, at, found = segment.read_bytes(), PAGE, []
    while raw[at:at + 4] == b"PFr1":
        size = HEAD + struct.unpack_from("<I", raw, at + 12)[0]
        size = (size + 7) // 8 * 8
        found.append((at, size))
        at += size
    return found


def flip(path, offset, bit=1):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ bit]))


def view_files(node, pattern):
    return sorted(pathlib.Path(node.config["data"]).glob(f"messages/view/{pattern}"))


@pytest.fixture
def node(new_node, tmp_path):
    """With 60 messages in its journal, killed: the last ones are in no checkpoint, which comes 5 s after the first one. Where the machine stopped for so
    long, another node begins anew."""
    for attempt in range(30):
        made = new_node(tmp_path / f"data{attempt}").start()
        with made.client() as client:
            began = time.monotonic()
            for number in range(60):
                made.send(client, number=number)
            made.kill()
        if time.monotonic() - began < 4:
            return made
    raise AssertionError("60 messages take longer than 4 s")


def refused_start(node):
    with pytest.raises(AssertionError) as failed:
        node.start()
    text = str(failed.value)
    assert "exited with 2" in text, text
    return text


WHERE = {"magic": 0, "checksum of the head": 4, "checksum of the body": 8, "length": 12, "address": 16, "body": HEAD + 3}


@pytest.mark.parametrize("part", WHERE)
def test_a_bit_in_the_middle_stops_the_start_with_file_and_offset(node, part):
    (segment,) = node.journal
    offset, _ = frames(segment)[30]
    flip(segment, offset + WHERE[part])
    before = segment.read_bytes()
    named, at = FOUND.search(refused_start(node)).groups()
    assert (named, int(at)) == (str(segment), offset)
    assert segment.read_bytes() == before, "nothing is repaired by guessing, and nothing thrown away"
    flip(segment, offset + WHERE[part])
    node.start()
    assert node.held() == 60


def test_a_bit_in_the_header_stops_the_start(node):
    (segment,) = node.journal
    flip(segment, 20)
    text = refused_start(node)
    assert str(segment) in text and "offset 0" in text


def test_a_missing_segment_stops_the_start(node):
    node.start()
    node.stop()  # a checkpoint: there was a journal
    (segment,) = node.journal
    segment.rename(segment.with_suffix(".elsewhere"))
    text = refused_start(node)
    assert str(segment.parent) in text
    segment.with_suffix(".elsewhere").rename(segment)
    node.start()
    assert node.held() == 60


def of_the_journal(node):
    """What is said of it."""
    return [line for line in node.log().splitlines() if " warning " in line and ".journal" in line]


TAILS = {  # what a crash can leave of the last frame: how many of its bytes are there
    "nothing of its body": lambda size: HEAD,
    "half of its head": lambda size: HEAD // 2,
    "all but its last bytes": lambda size: size - 12,
}


@pytest.mark.parametrize("tail", TAILS)
def test_a_torn_tail_is_cut_off_and_told(node, mailer, tail):
    (segment,) = node.journal
    offset, size = frames(segment)[-1]
    kept = offset + TAILS[tail](size)
    with open(segment, "r+b") as file:
        file.seek(kept)
        file.write(bytes(offset + size - kept))
    node.start()
    (said,) = of_the_journal(node)
    assert str(segment) in said and f"offset {offset}" in said and "cut" in said, said
    mailer.start()
    mailer.wait_for_all(node.acknowledged[:-1])  # the last one was never synced: it is this test that pretends it had been acknowledged
    node.send()
    mailer.wait_for_all(node.acknowledged[-1:])


def test_a_whole_journal_says_nothing(node):
    node.start()
    assert not of_the_journal(node)
    assert node.held() == 60


def test_a_damaged_file_of_the_view_is_named(node):
    node.start()
    node.stop()
    (table, *_) = view_files(node, "*.sst")
    for offset in range(0, table.stat().st_size, 16):
        flip(table, offset)
    text = refused_start(node)
    assert table.name in text or str(table.parent) in text


def test_a_view_that_is_lost_is_made_again_from_a_whole_journal(node, mailer):
    node.start()
    node.stop()
    for file in view_files(node, "*"):
        file.unlink()
    node.start()
    mailer.start()
    mailer.wait_for_all(node.acknowledged)
