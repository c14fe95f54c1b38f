#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Waits of real Java programs: a monitor and a lock fought for are contention, whatever waits for
work, news or time is not, and what the JVM does for itself is kept apart. Short, as a JVM takes its
time to start.
"""

import os
import shutil

import harness
from harness import MS, Skip, case, check, record, timely

SOURCE = os.path.join(harness.TOP, "tests", "e2e", "workloads", "Waits.java")
LENGTH = 700  # ms of each run


def java(kind, *options):
    """The trace of a run of one kind."""
    for program in ("javac", "java"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    made = harness.call("javac", "-d", harness.folder, SOURCE)
    check(made.status == 0, made.stderr)
    _, trace = record("java", *options, "-cp", harness.folder, "Waits", kind, str(LENGTH))
    return trace


def threads(trace, role, count):
    found = [row for row in trace.threads if row["comm"].startswith(role)]
    check(len(found) == count, f"{len(found)} threads '{role}', not {count}")
    return found


def rows(trace, evidence):
    return [row for row in trace.locks if row["evidence"].startswith(evidence)]


def names(found):
    return sorted({(row["kind"], row["state"], row["name"], row["evidence"]) for row in found})


def waited(trace, found, row):
    """Of some threads, for one lock."""
    numbers = {thread["thread"] for thread in found}
    return sum(wait["duration_ns"] for wait in trace.waits
               if wait["lock"] == row["lock"] and wait["thread"] in numbers)


def check_only(trace, evidence, state):
    """The one row of such waits."""
    found = rows(trace, evidence)
    check(len(found) == 1 and found[0]["state"] == state, f"{names(found)} of {names(trace.locks)}")
    return found[0]


def check_not_contended(trace, found):
    """At no lock of the program but for an instant (a queue has one of its own), or while the one
    who had it stood without a CPU; and what the JVM does for itself is another matter."""
    most = 0.02 * LENGTH * MS + sum(harness.unready(thread) for thread in found)
    own = [row for row in trace.locks
           if row["state"] == "lock" and not row["evidence"].startswith("java-internal")]
    for row in own:
        ns = waited(trace, found, row)
        check(ns <= most, f"idle, yet {ns} ns for {row['name']}, {row['evidence']}")


def check_classified(trace):
    """At most 5 % of the time in futex waits has no class; and the machine's own is named so."""
    total = sum(row["wait_ns"] for row in trace.locks)
    rest = [row for row in trace.locks if row["state"] == "futex"]
    part = 100 * sum(row["wait_ns"] for row in rest) / total
    check(part <= 5, f"{part:.1f} % of the wait time has no class: {names(rest)}")
    for row in rows(trace, "java-internal"):
        check(row["name"].startswith("JVM-internal ") and row["kind"] in ("mutex", "condition"),
              f"{names([row])}")
    return f"{part:.2f} % without a class"


def spare(trace, found):
    """Time in which threads neither ran, nor stood ready, nor waited inside of the JVM (for a class
    that another loads): what is left is what they are there for."""
    inside = sum(waited(trace, found, row) for row in rows(trace, "java-internal"))
    return sum(thread["lifetime_ns"] - thread["running_ns"] - harness.unready(thread)
               for thread in found) - inside


def check_waited(trace, found, row):
    """Nearly all of that is spent on one row, and it is not nothing."""
    left, ns = spare(trace, found), waited(trace, found, row)
    timely(ns >= 0.8 * left and ns > 50 * MS, f"{ns} of {left} ns for {row['name']}")
    return ns


def check_contended(trace, found, row):
    """Three threads that do nothing but hold a lock, in turn, wait for each other: at any time but
    one of them, as far as they had a CPU."""
    ns = check_waited(trace, found, row)
    # The one that has it may take it again and again.
    check(row["waiters"] in (2, 3), f"{row['waiters']} waiters")
    return f"{check_classified(trace)}, {ns // MS} ms contended"


@case
def three_threads_at_a_monitor():
    trace = java("monitor")
    clerks = threads(trace, "clerk-", 3)
    return check_contended(trace, clerks, check_only(trace, "java-monitor", "lock"))


@case
def three_threads_at_a_reentrant_lock():
    trace = java("lock")
    lockers = threads(trace, "locker-", 3)
    row = check_only(trace, "java-park-lock", "lock")
    check(row["evidence"].endswith("ReentrantLock$NonfairSync"), row["evidence"])
    idle = sum(other["wait_ns"] for other in rows(trace, "java-park-idle"))
    timely(idle <= 0.05 * row["wait_ns"],
           f"called idle too: {names(rows(trace, 'java-park'))}")
    return check_contended(trace, lockers, row)


@case
def consumers_of_a_queue_are_idle():
    """They pass signals on to each other, as threads that share a lock would."""
    trace = java("queue")
    consumers = threads(trace, "consumer-", 3)
    row = check_only(trace, "java-park-idle", "condition")
    check("ConditionObject" in row["evidence"], row["evidence"])
    check_not_contended(trace, consumers)
    check_waited(trace, consumers, row)
    threads(trace, "producer", 1)
    return check_classified(trace)


@case
def a_pool_without_work_is_idle():
    trace = java("pool", "-XX:-UseCompressedOops")
    workers = threads(trace, "pool-1-thread-", 3)
    row = check_only(trace, "java-park-idle", "condition")
    check_not_contended(trace, workers)
    check_waited(trace, workers, row)
    return check_classified(trace)


@case
def waiting_for_a_notification_and_for_time_is_idle():
    trace = java("notify")
    listeners = threads(trace, "listener-", 2)
    teller = threads(trace, "teller", 1)
    wait = check_only(trace, "java-wait", "condition")
    sleep = check_only(trace, "java-sleep", "condition")
    check("Object.wait()" in wait["name"] and "Thread.sleep()" in sleep["name"],
          f"{names([wait, sleep])}")
    check_not_contended(trace, listeners + teller)
    check_waited(trace, listeners, wait)
    check_waited(trace, teller, sleep)
    return check_classified(trace)


harness.main()
