"""What was handled, in the order in which it was: a file that handlers and pullers write, and may be killed over, and the check reads meanwhile."""

import os


def open_record(path):
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def write(record, lane, number):
    """A write that a kill cuts short leaves a line without its end, behind which the next one begins anew."""
    os.write(record, f"\n{lane} {number} .\n".encode())


def read(path):
    """(lane, number) of each whole line."""
    with open(path, encoding="utf-8") as file:
        lines = [line.split(" ") for line in file.read().split("\n")]
    return [(words[0], int(words[1])) for words in lines if len(words) == 3 and words[2] == "."]


def self_test(folder):
    """The reader on what a kill leaves."""
    path = os.path.join(folder, "record")
    record = open_record(path)
    write(record, "a", 1)
    os.write(record, b"\na 2")
    write(record, "b", 12)
    os.write(record, b"\na 3 ")
    os.close(record)
    found = read(path)
    os.unlink(path)
    assert found == [("a", 1), ("b", 12)], found
