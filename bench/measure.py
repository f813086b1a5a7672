"""Runs load generators and reads what the processes under test used meanwhile."""
import json
import os
import pathlib
import statistics
import subprocess

from peers import Missing

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    total = 0.0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = text[text.rindex(")") + 2:].split()
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def resident_mib(pids):
    total = 0
    for pid in pids:
        try:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # a child that has ended
        for line in lines:
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def generate(command, target, cpu=None, counts=dict):
    """One run of a generator: its JSON, with `cpu_seconds` of the target and the difference of `counts()` while it measured, and its memory then."""
    if cpu is not None:
        command = ["taskset", "-c", cpu, *command]
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    before = after = memory = 0.0
    counted = {}
    problem = ""
    for line in process.stderr:
        if line == "measuring\n":
            counted = counts()
            before = cpu_seconds(target.pids())
        elif line == "measured\n":
            after = cpu_seconds(target.pids())
            memory = resident_mib(target.pids())
            now = counts()
            counted = {name: now[name] - counted[name] for name in now}
        else:
            problem = problem or line.strip()
    text = process.stdout.read()
    if process.wait() != 0 or problem:
        raise RuntimeError(f"{target.name}: {problem or 'the load generator failed'}")
    return {**json.loads(text), "cpu_seconds": after - before, "mib": memory, "counts": counted}


def load(build, target, args, seconds, rate=None, **kwargs):
    """One run of parley_load against the target, with `cpu_us` a request. `rate`: open loop, requests a second."""
    if rate:
        args = [*args, "--rate", rate]
    command = [build / "bench/load/parley_load", "--port", target.port, "--seconds", seconds, "--warmup", "0.7", *args]
    result = generate(command, target, **kwargs)
    if result["errors"] > 0:
        raise RuntimeError(f"{target.name}: {result['errors']} of {result['requests']} requests failed")
    if result["rate"] < 0.8 * (rate or 1):
        raise RuntimeError(f"{target.name}: {result['rate']} answers a second to {rate or 'any number of'} requests")
    result["cpu_us"] = result["cpu_seconds"] * 1e6 / result["requests"]
    return result


class Bench:
    """What the rows share: how often, and where the results go."""

    def __init__(self, build, rounds, seconds):
        self.build, self.rounds, self.seconds = build, rounds, seconds
        self.rows = []
        self.notes = []

    def add(self, name, unit, better, aim, samples):
        """A row; without samples of Parley it says what the peers did."""
        ours = round(statistics.median(samples["parley"]), 2) if "parley" in samples else None
        others = {peer: round(statistics.median(values), 2) for peer, values in samples.items() if peer != "parley"}
        spreads = {peer: (round(min(values), 2), round(max(values), 2)) for peer, values in samples.items()}
        aim = round(aim, 2) if aim is not None else None
        self.rows.append({"name": name, "unit": unit, "better": better, "ours": ours, "aim": aim, "peers": others, "spread": spreads})
        print(f"{name}: parley {ours} {unit} " + " ".join(f"{p} {v}" for p, v in others.items()), flush=True)

    def note(self, text):
        """Stands below the table: what is not in it, and what one has to know."""
        if text not in self.notes:
            self.notes.append(text)
            print(f"note: {text}", flush=True)

    def available(self, row, *starts):
        """The targets that start here; the others are noted with the reason."""
        targets = []
        for start in starts:
            try:
                targets.append(start())
            except Missing as reason:
                self.note(f"{row}: {reason}")
        return targets

    def interleave(self, targets, args, fields, rate=None):
        samples = {t.name: [] for t in targets}
        for round_number in range(self.rounds):
            for target in targets:
                result = load(self.build, target, target.load_args + args, self.seconds, rate)
                samples[target.name].append({f: result[f] for f in fields})
                print(f"  round {round_number + 1} {target.name}: " + ", ".join(f"{f} {result[f]:.1f}" for f in [*fields, "rate"]), flush=True)
        return {f: {name: [s[f] for s in values] for name, values in samples.items()} for f in fields}


def medians(samples):
    return {name: statistics.median(values) for name, values in samples.items()}
