#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What is lost is counted, what cannot be lost is exact: small rings, a consumer that stalls, a
limit on the file, and the two modes against each other."""

import json
import os
import re
import signal
import time

import arithmetic
import harness
from harness import MS, case, check, convoy, near, record, unready, workload


def check_incomplete(trace):
    """Slices are missing; totals are not (arithmetic.verify has checked I1 and I6)."""
    check(not trace.meta["complete"], "nothing was lost after all: the test tests nothing")
    lost = trace.meta["slices_lost"]
    check(lost > 0, "slices are missing, yet none is counted as lost")
    check(sum(row["slices_lost"] for row in trace.threads) == lost,
          "the threads' lost slices do not sum to those of all")
    check(lost + len(trace.slices) == trace.meta["slices_produced"],
          f"{lost} lost + {len(trace.slices)} written != {trace.meta['slices_produced']} produced")
    return lost


def check_totals(result, trace):
    """Totals against the workload's own clocks, however few slices came through. For threads that
    share a CPU: of a wake-up on an idle one the kernel charges the way to it as running, and
    convoy as waiting for the CPU."""
    for truth in result.truth.threads():
        row = trace.thread(truth["tid"])
        near(row["running_ns"], truth["run_ns"], 0.05, 5 * MS, "running time")
        waits = sum(lock["waits"] for lock in trace.locks_at(truth["lock"], 4))
        near(waits, truth["waits"], 0.01, 10, "waits on its word")


@case
def a_ring_too_small_loses_slices_but_no_total():
    result, trace = record(workload("w_pingpong"), "--turns", "100000", "--pin", "0",
                           options=("--ring-size", "64K"))
    check_totals(result, trace)
    if trace.meta["complete"]:
        return "the smallest ring sufficed; the stalled reader shows the loss"
    return f"{check_incomplete(trace)} slices lost of {trace.meta['slices_produced']}"


@case
def a_stalled_reader_loses_slices_but_no_total():
    path = os.path.join(harness.folder, "trace")
    process = harness.start([harness.CONVOY, "run", "--ring-size", "64K", "-o", path, "--",
                             workload("w_pingpong"), "--turns", "400000", "--pin", "0"])
    time.sleep(0.6)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    process.send_signal(signal.SIGCONT)
    result = harness.finish(process)
    check(result.status == 0, result.stderr)
    trace = arithmetic.verify(harness.Trace(path))
    check_totals(result, trace)
    lost = check_incomplete(trace)
    check("lost" in result.stderr, "the report does not speak of the loss")
    return f"{lost} slices lost of {trace.meta['slices_produced']}"


@case
def fail_on_loss_tells_by_its_status():
    def stalled(*options):
        process = harness.start([harness.CONVOY, "run", "--ring-size", "64K", *options, "--",
                                 workload("w_pingpong"), "--turns", "400000", "--pin", "0"])
        time.sleep(0.6)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.7)
        process.send_signal(signal.SIGCONT)
        return harness.finish(process).status

    check(stalled("--fail-on-loss") == 3, "loss, but not status 3")
    check(stalled("--fail-on-loss=100") == 0, "all within 100 %, but not status 0")
    check(stalled() == 0, "loss without --fail-on-loss changed the status")
    check(convoy("run", "--fail-on-loss", "--", "true").status == 0, "status 3 without a loss")
    check(convoy("run", "--fail-on-loss", "--", "false").status == 1,
          "the command's own status goes first")


@case
def a_limit_on_the_slices_keeps_the_totals():
    result, trace = record(workload("w_pingpong"), "--turns", "30000", "--pin", "0",
                           options=("--max-size", "256K"))
    check(trace.meta["truncated"], "the limit was not reached, or not said")
    check_totals(result, trace)
    size = os.path.getsize(os.path.join(trace.path, "slices.csv")) if os.path.exists(
        os.path.join(trace.path, "slices.csv")) else 0
    check(size < 4 << 20, f"slices.csv has {size} bytes")


@case
def a_report_needs_no_room_of_its_own():
    """The slices are kept to be read twice; where there is no room, the files are read again."""
    _, trace = record(workload("w_pingpong"), "--turns", "50000", "--pin", "0")
    count = trace.meta["slices_produced"]
    check(count > 150000, f"{count} slices fit in memory")
    told = [convoy("report", trace.path, "--format", "json", env=dict(os.environ, TMPDIR=place))
            for place in (harness.folder, "/nonexistent")]
    check(all(one.status == 0 for one in told), told[1].stderr)
    whole, without = (json.loads(one.stdout) for one in told)
    for part in ("wall_ns", "capacity", "threads", "locks", "edges", "residuals_ns"):
        check(whole[part] == without[part], f"{part}: {whole[part]} and {without[part]}")
    return f"{count} slices"


@case
def a_report_without_slices_claims_nothing_of_when():
    """The limit leaves no slice: the sums are there, and nobody says that nothing ran."""
    result = convoy("run", "--max-size", "1", "--report", "-", "--format", "text", "--",
                    workload("w_spin"), "--threads", "2", "--ms", "100")
    check("When the threads ran is not known" in result.stdout, result.stdout)
    check("No event was seen" not in result.stdout, result.stdout)
    check("slices lost" not in result.stdout, "the limit is called a loss of the ring")
    spent = re.search(r"wall .* CPU (\d+) ms", result.stdout)
    near(int(spent[1]), 200, 0.1, 10, "CPU time in the heading, ms")


@case
def both_modes_measure_the_same_waits():
    """Each mode against the workload's clock, on waits that no scheduler noise can stretch."""
    sums = {}
    for mode, options in (("default", ()), ("lean", ("--lean",))):
        result, trace = record(workload("w_cond_idle"), "--threads", "4", "--ms", "400",
                               options=options, name=mode)
        truth = sum(row["wait_ns"] for row in result.truth.threads())
        measured = sum(trace.wait_of(trace.thread(row["tid"])) for row in result.truth.threads())
        near(measured, truth, 0.01, 0, f"{mode} mode, wait time")
        sums[mode] = measured / truth
    check(abs(sums["lean"] / sums["default"] - 1) < 0.01, f"the modes differ: {sums}")
    return f"lean/default {sums['lean'] / sums['default']:.5f}"


@case
def both_modes_count_the_same_waits():
    for mode, options in (("default", ()), ("lean", ("--lean",))):
        result, trace = record(workload("w_chain"), "--threads", "3", "--rounds", "300",
                               options=options, name=mode)
        for truth in result.truth.threads():
            row = trace.thread(truth["tid"])
            waits = sum(lock["waits"] for lock in trace.locks_at(truth["lock"], 4))
            near(waits, truth["waits"], 0.01, 3, f"{mode} mode: waits")
            near(trace.wait_of(row), truth["wait_ns"], 0.05, 10 * MS + unready(row),
                 f"{mode} mode: wait time")


harness.main()
