# SPDX-License-Identifier: GPL-2.0-only
"""How exact convoy is, and what it needs itself: the kernel's account, residuals, noise, loss,
memory, speed."""

import json
import os

import timing
from overhead import Row, convoy
from timing import CONVOY, Trace, arithmetic, workload

MIB = 1 << 20


def loads(setup):
    ms = setup.amount(1000, 50)
    return [[workload("w_spin"), "--threads", "4", "--ms", ms],
            [workload("w_mutex"), "--threads", "4", "--rounds", setup.amount(100, 5)],
            [workload("w_pingpong"), "--turns", setup.amount(100000, 2000)],
            [workload("w_threads"), "--count", setup.amount(2000, 100)],
            [workload("w_barrier"), "--rounds", setup.amount(20, 3)]]


def exactness(setup):
    """Run time per thread against the kernel's, and what the identities leave over."""
    worst, compared, residual, per_switch = 0, 0, 0, 0
    for load in loads(setup):
        convoy(setup, load)
        trace = Trace(os.path.join(setup.folder, "trace"))
        arithmetic.verify(trace)
        residual = max([residual] + [abs(ns) for ns in trace.meta["residuals_ns"].values() if ns])
        for own_ns, kernel_ns, switches in run_times(trace):
            compared += 1
            off = abs(own_ns - kernel_ns)
            worst = max(worst, off / max(kernel_ns / 1000, 1e6))
            if switches > 1000:
                per_switch = max(per_switch, off / switches)
    return [Row("residuals of the identities, worst of all loads", "0 ns", f"{residual} ns",
                residual == 0),
            Row(f"run time against the kernel's own accounting, {compared} threads, wake-ups "
                "and steal told apart", "within 0.1 % or 1 ms",
                f"worst at {100 * worst:.0f} % of that margin; at most {per_switch:.0f} ns a "
                "switch where there are many", worst <= 1 and compared > 0)]


def run_times(trace):
    """(convoy's, the kernel's, switches) of each thread that both could account for: running
    between its first and its last switch in the window. The kernel counts the way from a wake-up
    to its switch as running and what the hypervisor and interrupts took not: the one is added to
    convoy's, the other taken off."""
    for row in trace.threads:
        run_ns, ready_ns, taken_ns = (trace.meta[name][row["thread"] - 1] for name in
                                     ("own_run_ns", "charged_ready_ns", "uncharged_ns"))
        if run_ns is not None and row["kernel_run_ns"] is not None:
            yield (int(run_ns) + int(ready_ns or 0) - int(taken_ns or 0), row["kernel_run_ns"],
                   row["voluntary_switches"] + row["involuntary_switches"])


def is_measurable(one, other):
    """The rule of the report: ranges that do not overlap, or five rounds whose differences have one
    sign and lie no further from each other than their median from zero."""
    if min(one) > max(other) or min(other) > max(one):
        return True
    differences = sorted(mine - theirs for mine, theirs in zip(one, other))
    low, high = differences[0], differences[-1]
    middle = differences[(len(differences) - 1) // 2]
    return len(one) >= 5 and (low > 0 or high < 0) and abs(middle) >= high - low


def noise(setup):
    """The same against itself: how often it is called a difference."""
    experiments, rounds = (20, 5) if not setup.is_quick else (3, 5)
    load = [workload("w_spin"), "--threads", "1", "--ms", setup.amount(200, 10)]
    called = 0
    for number in range(experiments):
        setup.progress(f"noise: experiment {number + 1} of {experiments}")
        walls = timing.rounds(rounds, {name: lambda: wall_ns(convoy(setup, load)[1])
                                       for name in ("one", "other")}, lambda text: None)
        called += is_measurable(walls["one"], walls["other"])
    return [Row(f"noise: {experiments} experiments of the same against itself",
                "at most 1 called measurable", f"{called}", called <= 1)]


def wall_ns(meta):
    return int(meta["end_ns"]) - int(meta["start_ns"])


def small_ring(setup):
    """The smallest ring at full speed, on all CPUs: slices may be lost, nothing else."""
    turns = setup.amount(300000, 20000)
    script = f"{workload('w_pingpong')} --turns {turns} --pin 0 & " \
             f"{workload('w_pingpong')} --turns {turns} --pin 1; wait"
    _, meta = convoy(setup, ["sh", "-c", script], "--ring-size", "64K")
    trace = Trace(os.path.join(setup.folder, "trace"))
    arithmetic.verify(trace)
    switches = sum(row["voluntary_switches"] + row["involuntary_switches"]
                   for row in trace.threads)
    balance = meta["slices_produced"] - meta["slices_lost"] - len(trace.slices)
    speed = switches / (wall_ns(meta) / 1e9)
    return [Row(f"64 KiB ring at {speed:,.0f} switches/s",
                "totals exact, loss counted to the slice",
                f"totals exact; {meta['slices_lost']:,} of {meta['slices_produced']:,} slices "
                f"lost, {balance} unaccounted for", balance == 0)]


def volume(setup):
    """Many slices: memory, and the CPU time of the user side for each."""
    turns = setup.amount(2000000, 20000)  # five or six slices a turn
    path = setup.file("trace")
    memory = timing.measured([CONVOY, "run", "-q", "-o", path, "--report", "/dev/null", "--",
                              workload("w_pingpong"), "--turns", turns, "--pin", "0"],
                             setup.folder)[2] / MIB
    with open(os.path.join(path, "meta.json"), encoding="utf-8") as file:
        meta = json.load(file)
    slices, lost = meta["slices_produced"], meta["slices_lost"]
    rows = [Row(f"peak memory of a run of {slices:,} slices, report and trace included",
                "≤ 64 MiB", f"{memory:.0f} MiB", memory <= 64)]
    rate = slices / (meta["own_cpu_ns"] / 1e9) if meta["own_cpu_ns"] else 0
    rows.append(Row("user side while observing, slices per second of its CPU time",
                    "≥ 1,000,000 without a loss", f"{rate:,.0f}, {lost:,} lost",
                    rate >= 1e6 and not lost))
    return rows

