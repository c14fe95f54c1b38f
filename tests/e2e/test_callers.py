#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Where a lock is waited for, by the stacks of a few waits: all places, and no other."""

import os
import re

import harness
import pythons
from harness import MS, case, check, record, timely, workload

CALLED_BY = "; called by "
PROGRAM = """
import threading, time
lock = threading.Lock()
def put():
    with lock: time.sleep(.001)
def take():
    with lock: time.sleep(.001)
def work():
    for i in range(200):
        put() if i % 4 else take()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def contended(trace):
    """The lock that was waited for longest."""
    locks = [row for row in trace.locks if row["state"] == "lock" and row["kind"] != "gil"]
    timely(locks and max(row["wait_ns"] for row in locks) > 10 * MS, "nobody waited for a lock")
    return max(locks, key=lambda row: row["wait_ns"])


def callers(lock):
    """By name, the stacks in which each was seen; and how many stacks there were."""
    evidence = lock["evidence"]
    if CALLED_BY not in evidence:
        return {}, 0
    told = evidence.partition(CALLED_BY)[2]
    stacks = re.search(r" \(\d+ of (\d+) stacks\)", told)
    found = re.findall(r"(?:^|, )(.+?) \((\d+)(?: of \d+ stacks)?\)", told)
    return {name: int(count) for name, count in found}, int(stacks.group(1))


def check_places(seen, stacks, names):
    check(set(seen) == names, f"seen: {seen}")
    check(sum(seen.values()) == stacks, f"{seen} are not {stacks}")


@case
def every_function_that_waits_is_told():
    for mode in ((), ("--lean",)):
        result, trace = record(workload("w_places"), "--rounds", "600", options=mode,
                               name="trace" + "".join(mode))
        seen, stacks = callers(contended(trace))
        check_places(seen, stacks, {"fill() of w_places", "drain() of w_places"})
        check(stacks <= 25, f"{stacks} stacks of one word")
        text = " ".join(result.stderr.split())
        check("The waiters for the mutex 'mutex' in w_places came from fill() of w_places" in text
              or "came from drain() of w_places" in text, result.stderr)
    return f"{seen}"


@case
def one_place_goes_without_saying():
    _, trace = record(workload("w_places"), "--one")
    check(callers(contended(trace)) == ({}, 0), contended(trace)["evidence"])


def check_functions(python):
    path = os.path.join(harness.folder, "store.py")
    with open(path, "w", encoding="ascii") as file:
        file.write(PROGRAM)
    _, trace = record(python, path, name=os.path.basename(python))
    lock = contended(trace)
    seen, stacks = callers(lock)
    timely(len(seen) == 2, f"{lock['evidence']}")
    check_places(seen, stacks, {"put() of store.py", "take() of store.py"})
    name = lock["name"].partition(" in ")[2]
    check(seen.get(name) == max(seen.values()), f"{lock['name']}: {seen}")
    return f"{seen}"


@case
def functions_of_python_are_told_while_they_wait():
    return check_functions("python3")


@case
def functions_of_a_free_threaded_python_are_told():
    found = pythons.interpreters(lambda python: python.kind == "CPython" and not python.has_gil)
    return "; ".join(f"{python.name}: {check_functions(python.path)}" for python in found)


@case
def a_gil_is_waited_for_everywhere():
    path = os.path.join(harness.folder, "count.py")
    with open(path, "w", encoding="ascii") as file:
        file.write("import threading\ndef f(n=2000000):\n    while n: n -= 1\n"
                   "threads = [threading.Thread(target=f) for _ in range(2)]\n"
                   "[t.start() for t in threads]; [t.join() for t in threads]\n")
    _, trace = record("python3", path)
    gil = [row for row in trace.locks if row["kind"] == "gil"]
    check(gil and gil[0]["waits"] > 10, f"{gil}")
    check(CALLED_BY not in gil[0]["evidence"], gil[0]["evidence"])


harness.main()
