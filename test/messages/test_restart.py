"""What a restart, a crash and a stop leave behind."""

import signal
import time

from conftest import SHORT_LEASE


def test_what_was_acknowledged_survives_a_crash(new_node, mailer):
    mailer.stop()
    node = new_node(contract=SHORT_LEASE).start()  # one that was tried just then comes when its lease is over
    receipts = [node.send(to=f"k{number % 3}", number=number) for number in range(20)]
    node.kill()
    mailer.start()
    node.start()
    stored = {receipt["messageId"] for receipt in receipts}
    seen = mailer.wait_for(lambda seen: stored <= {one.id for one in seen}, 120)
    assert {one.id for one in seen} == stored
    for key in range(3):
        numbers = list(dict.fromkeys(one.request.number for one in seen if one.key == f"k{key}"))  # a lease that ran out brings one again
        assert numbers == sorted(numbers)


def test_attempts_are_counted_on(new_node, mailer):
    node = new_node().start()
    node.send("/mail.Mailer/Note", to="ada", text="fail UNAVAILABLE 3")
    mailer.wait(2)
    node.stop()
    before = len(mailer.seen)
    node.start()
    seen = mailer.wait(4)
    assert [one.attempt for one in seen] == [1, 2, 3, 4]
    assert before >= 2


def test_dedup_windows_and_delays_survive(new_node, mailer):
    node = new_node().start()
    first = node.send(to="ada", requestId="r1")
    mailer.wait(1)
    began = time.monotonic()
    node.send(to="bob", headers={"parley-delay": "3s"})
    node.stop()
    node.start()
    assert node.send(to="ada", requestId="r1")["messageId"] == first["messageId"]
    seen = mailer.wait(2)
    assert seen[1].key == "bob"
    assert seen[1].began - began > 2.9


def test_a_stop_waits_for_handlers(new_node, mailer):
    node = new_node(timeouts={"drain": "50s"}).start()
    node.send(to="ada", text="take 1.5")
    mailer.wait(1)
    node.stop()
    node.start()
    time.sleep(1)
    for shelf in ("waiting", "leased"):
        node.wait_messages(shelf, 0)
    assert len(mailer.seen) == 1


def test_a_stop_without_patience_releases_and_counts_no_attempt(new_node, mailer):
    node = new_node(timeouts={"drain": "1s"}).start()
    receipt = node.send(to="ada", text="take 3000")
    mailer.wait(1)
    assert node.stop_time() < 20
    node.start()
    seen = mailer.wait(2)
    assert (seen[1].id, seen[1].attempt) == (receipt["messageId"], 1)


def test_a_stop_in_the_middle_of_a_start(new_node):
    """At any moment of it, from before the first handler of signals is there to after the first call could have come."""
    node = new_node(timeouts={"drain": "1s"})
    began = time.monotonic()
    node.start()
    takes = min(time.monotonic() - began, 5)  # more is a machine that stands still
    node.stop()
    for twentieth in range(25):
        node.launch()
        time.sleep(takes * twentieth / 20)
        node.signal(signal.SIGTERM)
        code = node.process.wait(60)
        assert code in (0, -signal.SIGTERM), f"{twentieth}/20 of a start, which takes {takes:.2f} s: {code}\n{node.log()[-2000:]}"


def test_a_crash_counts_as_an_attempt_once_the_lease_is_over(new_node, mailer):
    node = new_node(contract=SHORT_LEASE).start()
    node.send(to="ada", text="take 3000")
    mailer.wait(1)
    node.kill()
    node.start()
    seen = mailer.wait(2)
    assert [one.attempt for one in seen[:2]] == [1, 2]


def test_a_second_node_is_kept_from_the_same_folder(new_node, tmp_path):
    first = new_node(data=str(tmp_path / "data")).start()
    second = new_node(data=str(tmp_path / "data"))
    try:
        second.start()
    except AssertionError as failed:
        assert "data" in str(failed)
    else:
        raise AssertionError("two nodes share one folder")
    assert first.alive()


def test_a_queue_that_is_not_there_is_named(new_node):
    node = new_node(queues={"mail.Mailer/Sned": {"messages": "embedded"}})
    try:
        node.start()
    except AssertionError as failed:
        assert "the contract has no queue 'mail.Mailer/Sned' (did you mean 'mail.Mailer/Send'?)" in str(failed)
    else:
        raise AssertionError("a queue that is not there was accepted")


def test_a_queue_that_nobody_delivers_is_told(new_node):
    node = new_node(services={}).start()
    node.send(to="ada")
    assert "messages for mail.Mailer are stored and not delivered by this node" in node.log()
