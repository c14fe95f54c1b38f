#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Births, deaths and changes of programs: nobody is missed, merged or made up."""

import os

import harness
from harness import MS, case, check, convoy, near, record, timely, workload


@case
def the_main_thread_may_leave_first():
    result, trace = record(workload("w_leader_exits"), "--ms", "60", status=5)
    survivor = result.truth.threads("survivor")[0]
    row = trace.thread(survivor["tid"])
    near(row["running_ns"], survivor["run_ns"], 0.01, 2 * MS, "the survivor's running time")
    leader = trace.thread(result.truth.one("leader")["tid"])
    check(leader["end_ns"] < row["end_ns"], "the leader outlived the survivor")


@case
def exec_by_another_thread_takes_over_the_process():
    result, trace = record(workload("w_exec_nonleader"))
    before, after = result.truth.one("before"), result.truth.one("after")
    check(before["pid"] == after["pid"] == after["tid"], "the workload did something else")
    rows = trace.process(after["pid"])
    check(len(rows) == 3, f"{len(rows)} threads in the process's two lives, not 3")
    near(sum(row["running_ns"] for row in rows), 50 * MS, 0.2, 20 * MS, "work of the second life")


@case
def every_thread_of_a_thread_storm_is_counted():
    result, trace = record(workload("w_threads"), "--count", "2000")
    count = result.truth.one("threads")["count"]
    check(len(trace.threads) == count + 1, f"{len(trace.threads)} rows, not {count} + 1")
    check(len({row["thread"] for row in trace.threads}) == count + 1, "a number came up twice")


@case
def every_child_of_a_fork_storm_is_counted():
    result, trace = record(workload("w_forkstorm"), "--forks", "1000", "--at-once", "8")
    count = result.truth.one("forks")["count"]
    check(len(trace.threads) == count + 1, f"{len(trace.threads)} rows, not {count} + 1")


@case
def every_child_that_executes_is_one_thread():
    result, trace = record(workload("w_forkstorm"), "--forks", "200", "--exec")
    count = result.truth.one("forks")["count"]
    check(len(trace.threads) == count + 1, f"{len(trace.threads)} rows, not {count} + 1")


@case
def the_shortest_command_is_seen_every_time():
    for number in range(20):
        _, trace = record("true", name=f"trace{number}")
        check(len(trace.threads) == 1, f"{len(trace.threads)} threads in `true`")
        check(trace.threads[0]["running_ns"] > 0, "`true` never ran")
        check(trace.threads[0]["start_ns"] == trace.start_ns, "the window began without it")


@case
def descendants_left_behind_are_named():
    path = os.path.join(harness.folder, "trace")
    result = convoy("run", "-o", path, "--", "sh", "-c", "sleep 3 >/dev/null 2>&1 & exit 0",
                    timeout=2.5)
    check(result.status == 0, result.stderr)
    trace = harness.Trace(path)
    left = trace.meta["left_behind"]
    check(len(left) == 1 and "sleep" in left[0], f"left behind: {left}")
    timely((trace.end_ns - trace.start_ns) < 2000 * MS, "it was waited for after all")


@case
def descendants_are_waited_for_with_wait():
    _, trace = record("sh", "-c", "sleep 0.3 >/dev/null 2>&1 & exit 0", options=("--wait",))
    timely(trace.end_ns - trace.start_ns > 290 * MS, "it was not waited for")
    check(not trace.meta["left_behind"], "somebody was left behind")


harness.main()
