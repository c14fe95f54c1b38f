# SPDX-License-Identifier: GPL-2.0-only
"""What being observed costs: a futex ping-pong, system calls that do not block, the countdown."""

import dataclasses
import json
import os
import shutil
import statistics
import sys

import timing
from timing import CONVOY, TOP, workload

PYTHON = "/usr/bin/python3"
PEER_ROUNDS = 5


@dataclasses.dataclass
class Row:
    what: str
    reach: str
    measured: str
    is_reached: bool = None  # None: no figure to reach, or not measured


class Setup:
    """How many rounds, how long, and where files may be made."""

    def __init__(self, folder, rounds, is_quick):
        self.folder, self.rounds, self.is_quick = folder, rounds, is_quick
        self.made = 0

    def amount(self, full, quick):
        return str(quick if self.is_quick else full)

    def file(self, name):
        """A fresh path; what an earlier run left there is removed."""
        path = os.path.join(self.folder, name)
        shutil.rmtree(path, ignore_errors=True)
        if os.path.exists(path):
            os.unlink(path)
        return path

    def progress(self, text):
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def convoy(setup, load, *options):
    """A load under convoy: (what it printed, its trace's meta.json)."""
    path = setup.file("trace")
    truth = timing.run([CONVOY, "run", "-q", "-o", path, *options, "--", *load], setup.folder)
    with open(os.path.join(path, "meta.json"), encoding="utf-8") as file:
        return truth, json.load(file)


def quartet(values):
    return f"{statistics.median(values):.2f} × ({values[0]:.2f} – {values[-1]:.2f})"


def ratio_row(results, name, what, limit):
    ratios = timing.ratios(results, name)
    if isinstance(ratios, str):
        return Row(what, f"≤ {limit} ×", f"not measured: {ratios}")
    return Row(what, f"≤ {limit} ×", quartet(ratios), statistics.median(ratios) <= limit)


def peers(setup, load):
    """Other tools asked the same question about the same load: {name: function or reason}."""
    here = os.path.dirname(os.path.abspath(__file__))
    script = os.path.join(here, "offcpu.bt")
    wrapped = {
        "perf sched record": ["perf", "sched", "record", "-o", "{out}", "--"],
        "strace -f -c -e futex": ["strace", "-f", "-c", "-e", "trace=futex", "-o", "{out}", "--"],
        "perf trace -s": ["perf", "trace", "-s", "-o", "{out}", "--"],
    }
    attached = {
        "offcputime (libbpf-tools)": ["offcputime", "-p", "{pid}"],
        "bpftrace, off-CPU and futex time": ["bpftrace", "-q", script, "{pid}", "w_pingpong"],
    }
    found = {}
    for name, argv in wrapped.items():
        if shutil.which(argv[0]):
            found[name] = lambda argv=argv: turn_ns(timing.run(
                [word.format(out=setup.file("peer")) for word in argv] + load, setup.folder))
    for name, argv in attached.items():
        if shutil.which(argv[0]):
            found[name] = lambda argv=argv: turn_ns(timing.run_beside(load, argv, setup.folder))
    return found, [name for name in (*wrapped, *attached) if name not in found]


def turn_ns(truth):
    return truth.one("turn")["ns"]


def players(turns):
    return [workload("w_pingpong"), "--turns", turns, "--pin", "0"]


def pingpong(setup):
    load = players(setup.amount(200000, 5000))
    results = timing.rounds(setup.rounds, {
        "bare": lambda: turn_ns(timing.run(load, setup.folder)),
        "convoy": lambda: turn_ns(convoy(setup, load)[0]),
        "lean": lambda: turn_ns(convoy(setup, load, "--lean")[0]),
    }, setup.progress)
    rows = [ratio_row(results, "convoy", "futex ping-pong on one CPU, default, slices on", 1.5),
            ratio_row(results, "lean", "the same, `--lean`", 1.2)]
    if not isinstance(results["bare"], str):
        bare = statistics.median(results["bare"])
        rows.append(Row("the same, bare", "", f"{bare:.0f} ns a turn"))
    return rows


def others(setup):
    """Other tools on the same load, with convoy once more in their rounds. Fewer turns and rounds:
    some take fifty times as long."""
    load = players(setup.amount(50000, 5000))
    found, absent = peers(setup, load)
    results = timing.rounds(min(setup.rounds, PEER_ROUNDS), {
        "bare": lambda: turn_ns(timing.run(load, setup.folder)),
        "convoy": lambda: turn_ns(convoy(setup, load)[0]),
        **found,
    }, setup.progress)
    rows = [ratio_row(results, "convoy", "the same, default, in the rounds of the other tools",
                      1.5)]
    rows += [peer_row(results, name) for name in found]
    rows += [Row(f"the same under {name}", "slower than convoy", "not measured: not installed")
             for name in absent]
    return rows


def peer_row(results, name):
    what = f"the same under {name}"
    theirs, ours = timing.ratios(results, name), timing.ratios(results, "convoy")
    if isinstance(theirs, str) or isinstance(ours, str):
        reason = theirs if isinstance(theirs, str) else ours
        return Row(what, "slower than convoy", f"not measured: {reason}")
    return Row(what, "slower than convoy", quartet(theirs),
               statistics.median(theirs) > statistics.median(ours))


def calls(setup):
    rows = []
    for flag, what in (("--futex-wake", "uncontended FUTEX_WAKE"), ("--getppid", "getppid")):
        load = [workload("w_calls"), flag, "--calls", setup.amount(3000000, 100000)]
        results = timing.rounds(setup.rounds, {
            "bare": lambda: timing.run(load, setup.folder).one("call")["ns"],
            "lean": lambda: convoy(setup, load, "--lean")[0].one("call")["ns"],
            "convoy": lambda: convoy(setup, load)[0].one("call")["ns"],
        }, setup.progress)
        rows.append(ratio_row(results, "lean", f"{what} in a loop, `--lean`", 1.02))
        ratios = timing.ratios(results, "convoy")
        text = f"not measured: {ratios}" if isinstance(ratios, str) else quartet(ratios)
        rows.append(Row(f"{what} in a loop, default", "", text))
    return rows


def countdown(setup):
    """The article's threads: whole process bare against observed, and what convoy itself used."""
    with open(os.path.join(TOP, "tools", "workload.py"), encoding="utf-8") as file:
        script = file.read()
    load = [workload("w_time"), PYTHON, "-c", script, "threads", "2",
            setup.amount(20000000, 300000)]
    results = timing.rounds(setup.rounds, {
        "bare": lambda: timing.run(load, setup.folder).one("time")["wall_ns"],
        "convoy": lambda: convoy(setup, load)[0].one("time")["wall_ns"],
    }, setup.progress)
    what = f"countdown threads, whole process, {setup.rounds} pairs"
    ratios = timing.ratios(results, "convoy")
    if isinstance(ratios, str):
        return [Row(what, "≤ 1.01 ×", f"not measured: {ratios}")]
    middle, low, high = timing.median_interval(ratios)
    rows = [Row(what, "≤ 1.01 ×", f"{middle:.4f} × (95 %: {low:.4f} – {high:.4f})",
                middle <= 1.01)]
    return rows + [own_share(setup, load)]


def own_share(setup, load):
    """In runs of their own: the statistics cost time themselves."""
    what, shares = "(BPF run time + convoy's CPU) / target's CPU", []
    statistics_fd = timing.enable_bpf_statistics()
    try:
        for _ in range(3 if setup.is_quick else 5):
            truth, meta = convoy(setup, load)
            if meta["bpf_run_ns"] is None:
                return Row(what, "≤ 0.5 %", "not measured: no BPF statistics")
            shares.append((meta["own_cpu_ns"] + meta["bpf_run_ns"]) / truth.one("time")["cpu_ns"])
    finally:
        os.close(statistics_fd)
    share = 100 * statistics.median(shares)
    return Row(what, "≤ 0.5 %", f"{share:.2f} %", share <= 0.5)

