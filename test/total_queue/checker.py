"""Compares what was published with what was handled, as Jepsen's total-queue does, and the order per key.

A published message is (lane, number); its producer counts up from 1 and goes on to the next number once one is acknowledged. What was never
acknowledged may have been published or not. `handled` lists (lane, number) in the order in which handlers finished them. Lanes that `ordered`
names have a key of their own, and so an order.
"""

import collections
import dataclasses


@dataclasses.dataclass
class Verdict:
    acknowledged: int = 0
    handled: int = 0
    lost: list = dataclasses.field(default_factory=list)  # acknowledged, never handled
    unexpected: list = dataclasses.field(default_factory=list)  # handled, never sent
    out_of_order: list = dataclasses.field(default_factory=list)  # handled for the first time behind a later one of its lane
    duplicated: int = 0  # handled more than once: at-least-once allows it after a crash
    recovered: int = 0  # never acknowledged, and yet handled

    def good(self):
        return not (self.lost or self.unexpected or self.out_of_order)

    def __str__(self):
        def some(items):
            return f"{len(items)}" + (f" ({', '.join(f'{lane}#{number}' for lane, number in items[:5])}…)" if items else "")
        return (f"acknowledged {self.acknowledged}, handled {self.handled}, lost {some(self.lost)}, out of order {some(self.out_of_order)}, "
                f"unexpected {some(self.unexpected)}, duplicated {self.duplicated}, recovered {self.recovered}")


def check(sent, acknowledged, handled, ordered=None):
    """`ordered`: left out, all lanes are. `sent` and `acknowledged` are sets of (lane, number); `sent` has all of `acknowledged`."""
    times = collections.Counter(handled)
    verdict = Verdict(acknowledged=len(acknowledged), handled=len(times))
    verdict.lost = sorted(acknowledged - times.keys())
    verdict.unexpected = sorted(times.keys() - sent)
    verdict.duplicated = sum(times.values()) - len(times)
    verdict.recovered = len((times.keys() & sent) - acknowledged)
    last, seen = collections.defaultdict(int), set()
    for lane, number in handled:
        if (ordered is None or lane in ordered) and (lane, number) not in seen and number < last[lane]:
            verdict.out_of_order.append((lane, number))
        seen.add((lane, number))
        last[lane] = max(last[lane], number)
    return verdict


def explain(verdict, sent, acknowledged, handled):
    """A line for each lane that something is wrong with: its first such message, and how far the lane is. Empty for a good verdict."""
    first = {}
    for position, work in enumerate(handled):
        first.setdefault(work, position)
    lanes = collections.defaultdict(list)
    for lane, number in verdict.lost + verdict.out_of_order + verdict.unexpected:
        lanes[lane].append(number)
    lines = []
    for lane, numbers in sorted(lanes.items()):
        def most(works, lane=lane):
            return max((number for name, number in works if name == lane), default=0)
        what = [f"{len(of)} {name}, first #{min(of)}" for name, found in (("lost", verdict.lost), ("out of order", verdict.out_of_order),
                                                                          ("unexpected", verdict.unexpected))
                if (of := [number for each, number in found if each == lane])]
        one = (lane, min(numbers))
        at = f"; #{one[1]} was handled as {first[one] + 1} of {len(first)}" if one in first else ""
        lines.append(f"{lane}: {'; '.join(what)}; sent to #{most(sent)}, acknowledged to #{most(acknowledged)}, handled to #{most(handled)}{at}")
    return lines


def self_test():
    """The rules on examples, so that a slip in this file cannot wave everything through."""
    one, two, three = ("a", 1), ("a", 2), ("a", 3)
    everything = {one, two, three}
    for what, acknowledged, handled, expected in [
        ("all handled once", everything, [one, two, three], {}),
        ("lost", everything, [one, three], {"lost": [two]}),
        ("not acknowledged and not handled", {one}, [one], {}),
        ("not acknowledged, yet handled", {one}, [one, two], {"recovered": 1}),
        ("again after a crash", everything, [one, one, two, three], {"duplicated": 1}),
        ("an old one again, later", everything, [one, two, one, three], {"duplicated": 1}),
        ("first handled behind its follower", everything, [one, three, two], {"out_of_order": [two]}),
        ("the same in a lane without order", {("free", 1), ("free", 2)}, [("free", 2), ("free", 1)], {}),
        ("never sent", everything, [one, two, three, ("b", 9)], {"unexpected": [("b", 9)]}),
    ]:
        verdict = check(everything | acknowledged, acknowledged, handled, {"a"})
        for field in ("lost", "unexpected", "out_of_order", "duplicated", "recovered"):
            found = getattr(verdict, field)
            assert found == expected.get(field, [] if isinstance(found, list) else 0), f"{what}: {field} is {found}"
        assert bool(explain(verdict, everything | acknowledged, acknowledged, handled)) != verdict.good(), what
        assert verdict.good() == (not {"lost", "unexpected", "out_of_order"} & expected.keys()), what
