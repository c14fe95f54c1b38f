#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Every futex wait operation is measured, whatever ends it; what is no wait is none."""

import os

import arithmetic
import harness
from harness import MS, Skip, case, check, near, record, timely, unready, workload


def check_cells(options):
    result, trace = record(workload("w_futexops"), "--ms", "20", options=options)
    cells = result.truth.all("cell")
    check(len(cells) >= 14, f"the workload played only {len(cells)} cells")
    worst = 0
    for cell in cells:
        what = f"{cell['op']}, {cell['result']}"
        row = trace.thread(cell["tid"])
        waits = [wait for wait in trace.waits if wait["thread"] == row["thread"]]
        total = sum(wait["duration_ns"] for wait in waits)
        if cell["result"] == "again":
            check(not waits and not trace.wait_of(row), f"{what}: a refused try is not a wait")
            continue
        check(len(waits) == 1, f"{what}: {len(waits)} waits, not one")
        margin = 1 * MS + unready(row)
        worst = max(worst, abs(near(total, cell["wait_ns"], 0.05, margin, what)))
        check(trace.locks_at(cell["lock"]), f"{what}: no lock at its address")
        if not options:
            check(waits[0]["result"] == cell["result"].replace("_", " "),
                  f"{what}: said {waits[0]['result']!r}")
    return f"{len(cells)} cells, worst difference {worst / 1000:.0f} us"


@case
def every_operation_is_measured():
    return check_cells(())


@case
def every_operation_is_measured_in_lean_mode():
    return check_cells(("--lean",))


@case
def time_outs_are_counted_per_lock():
    result, trace = record(workload("w_futexops"), "--ms", "10")
    for cell in result.truth.all("cell"):
        if cell["result"] == "again":
            continue
        timeouts = sum(lock["timeouts"] for lock in trace.locks_at(cell["lock"]))
        check(timeouts == (cell["result"] == "timed_out"),
              f"{cell['op']}, {cell['result']}: {timeouts} time-outs counted")


@case
def what_lean_mode_cannot_know_is_empty():
    _, trace = record(workload("w_futexops"), "--ms", "10", options=("--lean",))
    check(trace.meta["mode"] == "lean", "the mode is not in meta.json")
    check(trace.locks and all(lock["timeouts"] is None for lock in trace.locks),
          "time-outs were not measured, yet the cells are not empty")


@case
def a_stop_in_the_middle_of_a_wait_is_stopped_time():
    result, trace = record(workload("w_stopcont"), "--ms", "80")
    stop_ns = result.truth.one("stop")["ns"]
    for truth in result.truth.threads():
        row = trace.thread(truth["tid"])
        near(row["stopped_ns"], stop_ns, 0.05, 2 * MS + unready(row),
             f"{truth['role']} wait: time stopped")
        near(trace.wait_of(row), truth["wait_ns"] - stop_ns, 0.05, 2 * MS + unready(row),
             f"{truth['role']} wait: time in the futex, before and after")
        timely(row["sleep_ns"] < 2 * MS, "the resumed wait counts as an ordinary sleep")


@case
def a_try_that_does_not_block_says_nothing_of_the_wait_before():
    result, trace = record(workload("w_waits"), "--again", "8")
    truth = result.truth.one("waits")
    ended = [wait["result"] for wait in trace.waits]
    check(ended == ["timed out"] * truth["timeouts"], f"ended: {ended}")
    check([lock["timeouts"] for lock in trace.locks] == [truth["timeouts"]], f"{trace.locks}")


@case
def a_wait_before_an_exec_is_for_the_lock_of_the_program_before():
    _, trace = record(workload("w_waits"), "--execs", "3")
    locks = [wait["lock"] for wait in trace.waits]
    check(sorted(locks) == [1, 2, 3], f"waits of the locks {locks}")
    check({lock["name"] for lock in trace.locks} == {"futex 'word' in w_waits"},
          f"{[lock['name'] for lock in trace.locks]}")


@case
def a_parked_wait_goes_on_after_a_stop():
    result, trace = record(workload("w_waits"), "--parked")
    truth = result.truth.one("waits")
    parked = [lock for lock in trace.locks if lock["name"] == "semaphore 'lock' in w_waits"]
    check(len(parked) == 1 and parked[0]["waits"] == truth["count"] and
          parked[0]["timeouts"] == truth["timeouts"], f"{trace.locks}")
    stopped = sum(row["stopped_ns"] for row in trace.threads)
    near(parked[0]["wait_ns"] + stopped, 1000 * MS, 0.05, 20 * MS, "parked or stopped")


@case
def a_mutex_on_a_stack_is_what_it_is():
    result, trace = record(workload("w_waits"), "--mutex")
    locks = [lock for lock in trace.locks if lock["state"] == "lock"]
    check([(lock["kind"], lock["address"]) for lock in locks] ==
          [("mutex", result.truth.one("mutex")["lock"])], f"{locks}")


@case
def calls_of_32_bit_programs_are_measured():
    path = os.path.join(harness.folder, "trace")
    result = harness.convoy("run", "-o", path, "--", workload("w_compat"))
    if result.status == 77:
        raise Skip("no 32-bit system calls here")
    check(result.status == 0, result.stderr)
    trace = arithmetic.verify(harness.Trace(path))
    truth = result.truth.one("compat")
    check(sum(lock["waits"] for lock in trace.locks) + trace.meta["loss"]["compat"]
          == truth["waits"], f"{truth['waits']} waits, {trace.locks}")
    main = trace.thread(trace.threads[0]["tid"])
    near(trace.wait_of(main), truth["wait_ns"], 0.05, 1 * MS + unready(main), "wait time")
    return f"{trace.wait_of(main)} ns, its own clock {truth['wait_ns']} ns"


harness.main()
