"""The keeper dies, freezes, is cut off, comes late: publishing is refused and says who is away, nothing that was acknowledged is lost, no call hangs, and
all goes on by itself."""

import os
import sys
import threading
import time

import parley_node
import pytest
from rig import CONTRACTS, Keeper, Publishers, Sidecar

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "total_queue"), os.path.join(HERE, "..", "brokers")]
import checker  # noqa: E402
from door import Door  # noqa: E402

# A keeper that says nothing is asked after five seconds, and given up after five more; calls that did not end would fail after sixty. What a loaded
# machine takes comes on top.
NOTICED = 45


def is_refusal(answer, keeper_port):
    """UNAVAILABLE, and it says which keeper."""
    return answer.status == 503 and answer.problem["code"] == "UNAVAILABLE" and f"the node at 127.0.0.1:{keeper_port}" in answer.problem["detail"]


def leased_for(folder, lease):
    """A folder with the contract, changed."""
    with open(os.path.join(CONTRACTS, "work.proto")) as file:
        text = file.read()
    assert 'lease: "10s"' in text
    (folder / "work.proto").write_text(text.replace('lease: "10s"', f'lease: "{lease}"'))
    return str(folder)


def check(publishers, handler):
    """All that was acknowledged is handled, in order per key."""
    publishers.stop()
    handler.wait(lambda seen: publishers.acknowledged <= {(one.key, one.number) for one in seen}, 120)
    verdict = checker.check(publishers.sent, publishers.acknowledged, [(one.key, one.number) for one in handler.seen])
    assert verdict.good(), verdict


def test_a_keeper_that_is_killed_and_comes_back(keeper, sidecar, handler):
    publishers = Publishers(sidecar)
    longest = []
    for _ in range(3):
        publishers.wait(100)
        publishers.take_longest()
        before = len(publishers.refused)
        keeper.kill()
        publishers.wait_refused(before)
        keeper.start()
        publishers.wait(100)
        longest.append(publishers.take_longest())
    check(publishers, handler)
    assert all(is_refusal(one, keeper.port) for one in publishers.refused), [one for one in publishers.refused if not is_refusal(one, keeper.port)][:3]
    # A machine that stands still for a while makes one of them long, and not each of the three.
    assert min(longest) < 5, f"calls waited for a keeper that was gone: {longest}"
    assert max(longest) < NOTICED


def test_a_keeper_that_stops_is_not_held_up(started, handler):
    keeper = started(Keeper(timeouts={"drain": "120s"}))
    sidecar = started(Sidecar(f"parley://127.0.0.1:{keeper.port}", handler))
    publishers = Publishers(sidecar)
    publishers.wait(100)
    took = keeper.stop_time()
    keeper.start()
    publishers.wait(100)
    check(publishers, handler)
    assert took < 40, f"the stop took {took:.1f} s of its 120"
    # Those that it had on its way were answered, unless the machine let it stand still for so long that it was given up.
    unsure = [one for one in publishers.refused if "may be stored" in one.problem["detail"]]
    assert all("did not answer a PING" in one.problem["detail"] for one in unsure), unsure[:3]


def test_a_keeper_that_is_away_is_named_at_once(keeper, sidecar):
    keeper.kill()
    answers, end = [], time.monotonic() + 60
    # At first the error may be that of a connection that was up when the keeper died, or was just being made: lost, closed, reset, a broken pipe. Then
    # both shards have seen that nobody is there any more.
    while sum("Connection refused" in one.problem["detail"] for one in answers) < 4:
        assert time.monotonic() < end, answers
        answers.append(sidecar.publish(number=len(answers)))
        assert is_refusal(answers[-1], keeper.port), answers[-1]
    # A machine that stands still makes one or another long, and not half of them.
    assert sorted(one.seconds for one in answers)[len(answers) // 2] < 2, answers
    status, problem = sidecar.tell("GET", "/parley/queues/work.Work/Do:stats")
    assert (status, problem["code"]) == (503, "UNAVAILABLE")
    assert f"the node at 127.0.0.1:{keeper.port}" in problem["detail"]


def test_a_keeper_that_freezes(keeper, sidecar, handler):
    publishers = Publishers(sidecar)
    publishers.wait(50)
    before = len(publishers.refused)
    keeper.freeze()
    # What it had been sent, then what waits for a connection on which nobody answers.
    publishers.wait_refused(before, lambda answer: "may be stored" in answer.problem["detail"])
    publishers.wait_refused(before, lambda answer: "may be stored" not in answer.problem["detail"])
    keeper.thaw()
    publishers.wait(50)
    check(publishers, handler)
    assert all(is_refusal(one, keeper.port) for one in publishers.refused), [one for one in publishers.refused if not is_refusal(one, keeper.port)][:3]
    assert publishers.longest < NOTICED
    # Sent again by their publishers, and stored once. What was in the handler's hands meanwhile may come again as the same message.
    stored = {(one.key, one.number): set() for one in handler.seen}
    for one in handler.seen:
        stored[one.key, one.number].add(one.message)
    assert all(len(messages) == 1 for messages in stored.values()), [job for job, messages in stored.items() if len(messages) > 1]


def test_a_lease_that_a_frozen_keeper_did_not_extend_is_lost_loudly(started, handler, tmp_path):
    contracts = leased_for(tmp_path, "2s")
    keeper = started(Keeper(contracts=contracts))
    sidecar = started(Sidecar(f"parley://127.0.0.1:{keeper.port}", handler, contracts=contracts))
    sidecar.store(number=1, hold=True)
    handler.wait(lambda seen: seen)
    keeper.freeze()
    time.sleep(4)
    keeper.thaw()
    sidecar.wait_log("the lease of message")
    seen = handler.wait(lambda seen: len(seen) >= 2)
    attempts = [one.attempt for one in seen]
    # Mostly 1, 2. One of 2 s that is handed out while the machine stands still may be over before anybody has it: then it is not seen.
    assert attempts == sorted(set(attempts)), attempts


@pytest.mark.parametrize("settled", ["while it is away", "once it is back"])
def test_leases_outlive_a_keeper_that_is_killed(started, handler, tmp_path, settled):
    contracts = leased_for(tmp_path, "120s")  # longer than a loaded machine takes for it all
    keeper = started(Keeper(contracts=contracts))
    sidecar = started(Sidecar(f"parley://127.0.0.1:{keeper.port}", handler, contracts=contracts))
    sidecar.store(number=1, hold=True)
    handler.wait(lambda seen: seen)
    keeper.kill()
    if settled == "while it is away":
        handler.released.set()
    keeper.start()
    handler.released.set()
    sidecar.wait_empty(100)
    assert [one.attempt for one in handler.seen] == [1], "settled by the one that had it"


def test_a_network_that_is_cut(network, far_sidecar, handler):
    publishers = Publishers(far_sidecar)
    publishers.wait(50)
    before = len(publishers.refused)
    network.cut()
    assert network.lost.wait(60)
    network.heal()  # for new connections: what was on the old ones is lost
    publishers.wait_refused(before)
    publishers.wait(50)
    check(publishers, handler)
    assert all(is_refusal(one, network.port) for one in publishers.refused), publishers.refused[:3]
    assert publishers.longest < NOTICED


def test_connections_that_break_under_load(network, far_sidecar, handler):
    publishers = Publishers(far_sidecar, 8)
    for _ in range(5):
        publishers.wait(60)
        network.reset()
    publishers.wait(60)
    check(publishers, handler)
    assert all(is_refusal(one, network.port) for one in publishers.refused), publishers.refused[:3]


def test_a_sidecar_stops_while_its_keeper_is_frozen(keeper, sidecar, handler):
    sidecar.store(number=1, hold=True)
    handler.wait(lambda seen: seen)
    keeper.freeze()
    assert sidecar.stop_time() < 35  # `timeouts.drain` is 3 s; test_stops.py is stricter
    keeper.thaw()


def test_a_keeper_that_comes_after_its_sidecar(started, handler):
    """It comes the moment a door is opened: a start on a loaded machine may take longer than the 30 s that the sidecar waits."""
    keeper = started(Keeper())
    door = Door(parley_node.free_port(), keeper.port)
    sidecar = Sidecar(f"parley://127.0.0.1:{door.port}", handler)

    def come():
        sidecar.wait_log("waiting for it")
        door.open()

    coming = threading.Thread(target=come)
    coming.start()
    try:
        started(sidecar)
        assert f"the node at 127.0.0.1:{door.port}" in sidecar.log()
        sidecar.store()
        handler.wait(lambda seen: seen)
        sidecar.stop()
    finally:
        coming.join()
        door.shut()


def test_a_keeper_that_never_comes(started):
    port = parley_node.free_port()
    began = time.monotonic()
    with pytest.raises(parley_node.ParleyFailed, match=f"the node at 127.0.0.1:{port}"):
        started(Sidecar(f"parley://127.0.0.1:{port}"))
    assert time.monotonic() - began < 100


def test_a_keeper_without_the_queue(started, tmp_path):
    (tmp_path / "other.proto").write_text('syntax = "proto3"; package other; message Nothing {} service Other { rpc Do(Nothing) returns (Nothing); }')
    keeper = started(Keeper(contracts=str(tmp_path)))
    with pytest.raises(parley_node.ParleyFailed, match="work.Work/Do: the node at .* has none"):
        started(Sidecar(f"parley://127.0.0.1:{keeper.port}"))
