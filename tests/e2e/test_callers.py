#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Where a lock is waited for, by the stacks of a few waits: all places, and no other."""

import os
import re
import subprocess
import time

import harness
import pythons
from harness import MS, case, check, record, timely, watch, workload

CALLED_BY = "; called by "
TWO_LOCKS = """
import threading, time
locks = [threading.Lock(), threading.Lock()]
def burn():
    end = time.monotonic() + .00002
    while time.monotonic() < end: pass
def first():
    with locks[0]: burn()
def second():
    with locks[1]: burn()
def work():
    for i in range(4000):
        first()
        second()
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

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
def all_operations_of_a_lock_are_told():
    _, trace = record(workload("w_places"), "--timed", "--rounds", "600")
    seen, stacks = callers(contended(trace))
    check_places(seen, stacks, {"fill() of w_places", "drain() of w_places"})
    return f"{seen}"


def check_apart(trace, what):
    """Two locks, each in a function of its own: no stack of the one is told of the other."""
    waited = [row for row in trace.locks if row["state"] == "lock" and row["kind"] != "gil" and
              row["waits"] > 20]
    timely(len(waited) == 2, f"{what}: waited for {[row['name'] for row in waited]}")
    for row in waited:
        check(CALLED_BY not in row["evidence"], f"{what}: {row['name']}: {row['evidence']}")
    names = {row["name"] for row in waited}
    check(len(names) == 2, f"{what}: both are called {names}")


@case
def a_stack_is_of_the_lock_that_was_waited_for():
    words = (workload("w_places"), "--two", "--threads", "6", "--hold-us", "20")
    _, trace = record(*words, "--rounds", "3000")
    check_apart(trace, "run")
    with subprocess.Popen([*words, "--rounds", "100000000"], stdout=subprocess.DEVNULL) as process:
        try:
            for number in range(4):
                time.sleep(0.2)
                check_apart(watch([process.pid], "0.5", name=f"watched{number}"), "attach")
        finally:
            process.kill()


@case
def a_function_of_python_is_of_the_lock_that_it_waits_for():
    path = os.path.join(harness.folder, "two.py")
    with open(path, "w", encoding="ascii") as file:
        file.write(TWO_LOCKS)
    wanted = pythons.interpreters(lambda python: python.kind == "CPython" and
                                  python.version >= (3, 8))
    for number, python in enumerate(wanted):
        _, trace = record(python.path, path, name=f"trace{number}")
        named = [row["name"].partition(" in ")[2] for row in trace.locks
                 if row["waits"] > 20 and row["name"].endswith("() of two.py")]
        check(len(set(named)) == len(named), f"{python.name}: {named}")
        for row in trace.locks:
            check(CALLED_BY not in row["evidence"], f"{python.name}: {row['evidence']}")
    return ", ".join(python.name for python in wanted)


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
