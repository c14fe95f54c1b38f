#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Every kind of wait of the C library, C++ and OpenMP has its class, its name and its time."""

import os
import shutil

import harness
from harness import MS, Skip, case, check, near, record, unready, workload

SOURCES = os.path.join(harness.TOP, "tests", "e2e", "workloads")
MUTEX_TOO = {"cond", "cond_timed", "cnd"}  # take a mutex again when woken


class Group:
    """What one line "lock …" of w_primitives is about, with the three lines behind it."""

    def __init__(self, lock):
        self.lock, self.threads = lock, []


def groups(truth):
    found = []
    for word, fields in truth.lines:
        if word == "lock":
            found.append(Group(fields))
        elif word == "thread" and fields["role"] != "join":
            found[-1].threads.append(fields)
    return found


def locks_of(trace, rows):
    """Rows of locks.csv that any of the threads waited for."""
    threads = {row["thread"] for row in rows}
    numbers = {wait["lock"] for wait in trace.waits if wait["thread"] in threads}
    return [lock for lock in trace.locks if lock["lock"] in numbers]


def check_class(group, found, what):
    kinds = {(lock["kind"], lock["state"]) for lock in found}
    wanted = (group.lock["kind"], group.lock["state"])
    allowed = {wanted} | ({("mutex", "lock")} if group.lock["what"] in MUTEX_TOO else set())
    check(wanted in kinds and kinds <= allowed, f"{what}: classified {kinds}, not {wanted}")


def check_name(group, found, what, program, is_stripped):
    """A variable is called by its name, a thing on the heap by the function that waits."""
    call = "mutex of fputs()" if group.lock["what"] == "stdio" else ""
    for lock in found:
        if is_stripped:
            check(f" in {program}+0x" in lock["name"], f"{what}: {lock['name']!r}")
        elif group.lock["place"] == "variable":
            check(f"'{group.lock['symbol']}'" in lock["name"]
                  and lock["name"].endswith(f" in {program}"), f"{what}: {lock['name']!r}")
        else:
            wanted = f" in {group.lock['caller']}() of {program}"
            check(lock["name"].startswith(call) and lock["name"].endswith(wanted),
                  f"{what}: {lock['name']!r}")


def check_times(group, rows, what):
    """By the threads' own clocks; the mutex taken again after a condition is part of the call."""
    column = {"lock": "lock_ns", "condition": "condition_ns"}[group.lock["state"]]
    worst = 0
    for truth, row in zip(group.threads, rows):
        measured = row[column]
        if group.lock["what"] in MUTEX_TOO:
            measured += row["lock_ns"]
        difference = near(measured, truth["wait_ns"], 0.05, 2 * MS + unready(row),
                          f"{what}, thread {truth['tid']}")
        check(row["futex_ns"] == 0, f"{what}: {row['futex_ns']} ns not classified")
        worst = max(worst, abs(difference))
    return worst


def check_all(program, options=(), is_stripped=False):
    result, trace = record(program, options=options)
    name = os.path.basename(program)
    worst = 0
    found = groups(result.truth)
    check(len(found) == 41, f"the workload played {len(found)} objects")
    for group in found:
        what = f"{group.lock['what']} ({group.lock['place']})"
        rows = [trace.thread(truth["tid"]) for truth in group.threads]
        locks = locks_of(trace, rows)
        check_class(group, locks, what)
        check_name(group, locks, what, name, is_stripped)
        worst = max(worst, check_times(group, rows, what))
    for truth in result.truth.threads("join"):
        row = trace.thread(truth["tid"])
        near(row["join_ns"], truth["wait_ns"], 0.05, 2 * MS + unready(row), "join")
        check({lock["kind"] for lock in locks_of(trace, [row])} == {"join"}, "join: another kind")
    return f"{len(found) + 1} kinds of wait, worst difference {worst / 1000:.0f} us"


@case
def every_primitive_has_its_class_name_and_time():
    return check_all(workload("w_primitives"))


@case
def the_same_in_lean_mode():
    return check_all(workload("w_primitives"), ("--lean",))


def compiled(compiler, source, *options):
    """The program made of a source among the workloads, in the case's folder."""
    if not shutil.which(compiler):
        raise Skip(f"{compiler} is not installed")
    program = os.path.join(harness.folder, os.path.splitext(source)[0])
    files = [os.path.join(SOURCES, source)]
    if source.startswith("w_"):
        files.append(os.path.join(SOURCES, "w.c"))
    result = harness.call(compiler, "-O2", "-D_GNU_SOURCE", "-I" + SOURCES, *files, "-pthread",
                          *options, "-o", program)
    if result.status != 0:
        raise Skip(f"{compiler} cannot make it: {result.stderr.splitlines()[0]}")
    return program


@case
def stripped_programs_are_named_by_their_call_sites():
    return check_all(compiled("gcc", "w_primitives.c", "-s"), is_stripped=True)


@case
def calls_past_the_plt_are_seen_too():
    return check_all(compiled("gcc", "w_primitives.c", "-fno-plt"))


PARKED = {"contender": ("semaphore", "lock", "semaphore 'lock' in w_parking", "lock_ns"),
          "idler": ("semaphore", "condition", "semaphore 'event' in w_parking", "condition_ns")}


@case
def parked_threads_wait_for_what_they_are_parked_for():
    """Each sleeps on a word of its own; the lot itself is a mutex that is held for a moment."""
    for name, options in (("trace", ()), ("lean", ("--lean",))):
        result, trace = record(workload("w_parking"), name=name, options=options)
        for role, (kind, state, called, column) in PARKED.items():
            for truth in result.truth.threads(role):
                row = trace.thread(truth["tid"])
                locks = {(lock["kind"], lock["state"], lock["name"], lock["address"])
                         for lock in locks_of(trace, [row]) if lock["kind"] != "mutex"}
                check(locks == {(kind, state, called, truth["lock"])}, f"{role}: {locks}")
                near(row[column], truth["wait_ns"], 0.05, 2 * MS + unready(row), role)
            waiters = [lock["waiters"] for lock in trace.locks if lock["name"] == called]
            check(waiters == [3], f"{role}: {waiters} waiters")


def rows_of(trace):
    return [(lock["kind"], lock["state"], lock["name"]) for lock in trace.locks]


def check_rows(trace, wanted):
    found = rows_of(trace)
    for kind, state, name in wanted:
        check((kind, state, name) in found, f"no {kind} {name!r} among {found}")


@case
def cplusplus_waits_are_named_through_its_library():
    program = compiled("g++", "cpp_waits.cc", "-std=c++20")
    _, trace = record(program)
    check_rows(trace, [
        ("mutex", "lock", "mutex 'app::table' in cpp_waits"),
        ("mutex", "lock", "mutex in app::Worker::work() of cpp_waits"),
        ("condition", "condition", "condition in app::Queue::pop() of cpp_waits"),
        ("rwlock", "lock", "rwlock in write_shared() of cpp_waits"),
        ("once", "lock", "once 'once_value()::value (guard)' in cpp_waits"),
    ])
    flag = [row for row in rows_of(trace) if "'app::flag'" in row[2]]
    check(flag == [("unclassified", "futex", "futex 'app::flag' in cpp_waits")],
          f"an atomic that is waited for says nothing of why: {flag}")


@case
def an_openmp_team_waits_at_barriers_and_for_locks():
    program = compiled("gcc", "openmp_team.c", "-fopenmp")
    _, trace = record(program)
    kinds = {}
    for kind, state, name in rows_of(trace):
        kinds.setdefault((kind, state), []).append(name)
    locks = kinds.pop(("mutex", "lock"), [])
    barriers = kinds.pop(("barrier", "condition"), [])
    check("mutex 'lock' in openmp_team" in locks, f"no lock: {locks}")
    check(any(name.startswith("mutex in main._omp_fn.0() of") for name in locks),
          f"no critical section: {locks}")
    check(barriers, "no barrier")
    check(not kinds, f"and what else? {kinds}")


@case
def waits_begun_before_an_attach_are_named_by_the_stack_too():
    process = harness.start([workload("w_cond_idle"), "--ms", "4000"])
    path = os.path.join(harness.folder, "trace")
    pattern = f"/proc/{process.pid}/task"
    harness.wait_until(lambda: len(os.listdir(pattern)) > 3, "the workers are there")
    result = harness.convoy("attach", "-p", str(process.pid), "-d", "0.5", "-o", path)
    process.kill()
    harness.finish(process)
    check(result.status == 0, result.stderr)
    found = {(lock["kind"], lock["name"], lock["evidence"]) for lock in harness.Trace(path).locks}
    check(("condition", "condition 'news' in w_cond_idle", "call-condition: pthread_cond_wait")
          in found, f"found {found}")


harness.main()
