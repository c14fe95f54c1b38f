#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Convoy beside other tools, and beside itself."""

import os
import re
import shutil
import subprocess

import harness
from harness import CONVOY, Skip, case, check, timely, workload

EVENTS = ("sched:sched_switch", "sched:sched_wakeup", "syscalls:sys_enter_futex",
          "syscalls:sys_exit_futex")


def count_events(*argv):
    """What perf counts of a command, all its threads: {event: count}."""
    listing = subprocess.run(["perf", "stat", "-x,", "-e", ",".join(EVENTS), "--", *argv],
                             capture_output=True, encoding="utf-8", check=False)
    counts = {}
    for line in listing.stderr.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2] in EVENTS and fields[0].isdigit():
            counts[fields[2]] = int(fields[0])
    return counts


@case
def perf_sees_what_it_saw_without_convoy():
    if not shutil.which("perf"):
        raise Skip("perf is not installed")
    load = [workload("w_pingpong"), "--turns", "20000", "--pin", "0"]
    bare = count_events(*load)
    if len(bare) < len(EVENTS):
        raise Skip(f"perf counts only {sorted(bare)} here")
    # perf is the command, so its target is convoy's too.
    process = harness.start([CONVOY, "run", "-q", "--report", "report", "--", "perf", "stat", "-x,",
                             "-e", ",".join(EVENTS), "--", *load])
    result = harness.finish(process)
    check(result.status == 0, result.stderr)
    for event in EVENTS:
        found = re.search(rf"^(\d+),[^,]*,{event},", result.stderr, re.MULTILINE)
        check(found, f"perf says nothing of {event}:\n{result.stderr}")
        ratio = int(found[1]) / bare[event]
        timely(0.97 < ratio < 1.03, f"{event}: {bare[event]} without convoy, {found[1]} with it")


@case
def two_convoys_observe_side_by_side():
    paths = [os.path.join(harness.folder, name) for name in ("one", "two")]
    processes = [harness.start([CONVOY, "run", "-o", path, "--", workload("w_mutex"), "--rounds",
                                "10"]) for path in paths]
    results = [harness.finish(process) for process in processes]
    for path, result in zip(paths, results):
        check(result.status == 0, result.stderr)
        trace = harness.Trace(path)
        check(len(trace.threads) == 4, f"{len(trace.threads)} threads, not 4: the other's too?")


harness.main()
