#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What is said of every Python interpreter found: where its GIL is, who holds it, that a join is no
lock, and that Jython has no GIL."""

import os
import shutil
import subprocess
import time

import harness
import pythons
from harness import MS, Skip, case, check, record, timely

SPIN = """
import sys, threading, time
def spinner(seconds):
    end = time.time() + seconds
    while time.time() < end:
        for i in range(1000): pass
threads = [threading.Thread(target=spinner, args=(float(sys.argv[2]),))
           for _ in range(int(sys.argv[1]))]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

# Two interpreters, each with two busy threads.
ISOLATED = """
import threading
try:
    import _interpreters as m
    new = lambda: m.create('isolated')
except ImportError:
    import _xxsubinterpreters as m
    new = lambda: m.create(isolated=True)
code = '''
import _thread, time
def spin():
    end = time.time() + 0.5
    while time.time() < end:
        for i in range(1000): pass
_thread.start_new_thread(spin, ())
spin()
time.sleep(0.3)
'''
threads = [threading.Thread(target=m.run_string, args=(new(), code)) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

# A function given to Thread, a class of its own, and a thread without an object.
NAMED = """
import _thread, threading, time
def deeper(depth): time.sleep(0.6) if depth == 0 else deeper(depth - 1)
def count_down(): deeper(20)
class Worker(threading.Thread):
    def run(self): deeper(0)
threads = [threading.Thread(target=count_down), Worker()]
for thread in threads: thread.start()
_thread.start_new_thread(deeper, (0,))
for thread in threads: thread.join()
time.sleep(0.1)
"""

NAMING_NS = 200 * MS  # the first waits begin before the words have been named


def gils(trace):
    return [lock for lock in trace.locks if lock["kind"] == "gil"]


def check_one_gil(python, trace):
    """The GIL is there once, all workers waited for it and did not run at the same time."""
    found = gils(trace)
    check(len(found) == 1, f"{python.name}: {[lock['name'] for lock in found]}, not one GIL")
    gil, busy = found[0], pythons.workers(trace)
    check(gil["name"].startswith("GIL") and gil["state"] == "lock",
          f"{python.name}: a {gil['state']} named {gil['name']}")
    check("kept in" not in gil["evidence"], f"{python.name}: bytecode is {gil['evidence']}")
    for thread in busy:
        check(pythons.waited(trace, thread, pythons.is_gil) > 0,
              f"{python.name}: thread {thread['tid']} never waited for the GIL")
    others = [lock for lock in trace.locks if lock["state"] == "lock" and not pythons.is_gil(lock)]
    check(sum(lock["wait_ns"] for lock in others) <= 0.02 * gil["wait_ns"],
          f"{python.name}: other locks too: {[lock['name'] for lock in others]}")
    together = sum(row["wall_ns"] for row in trace.parallel if row["running"] > 1)
    running = sum(thread["running_ns"] for thread in busy)
    check(together <= 0.2 * running, f"{python.name}: {together} of {running} ns ran together")
    return gil


def check_joins(python, trace):
    """The main thread does nothing but start and join: it waits for no lock but the GIL."""
    main = pythons.main_thread(trace)
    wrong = pythons.waited(trace, main, lambda lock: lock["state"] in ("lock", "futex") and
                           not pythons.is_gil(lock))
    # A mutex inside of the interpreter may be met by chance, for some microseconds.
    check(wrong < 1 * MS, f"{python.name}: {wrong} ns of joins are called a lock or nothing")
    joined = main["join_ns"] + main["condition_ns"]
    check(joined > 0.3 * pythons.alive(main),
          f"{python.name}: {joined} ns joined of {pythons.alive(main)}")


def episodes(trace, lock):
    """Of one lock, in the order of their begin: lists of rows of waits.csv."""
    found = {}
    for wait in trace.waits:
        if wait["lock"] == lock["lock"]:
            found.setdefault((wait["thread"], wait["episode"]), []).append(wait)
    return sorted(found.values(), key=lambda rows: rows[0]["start_ns"])


def check_holders(python, trace):
    """How many episodes of waiting for the GIL have an exact holder, and how many there are."""
    found = episodes(trace, gils(trace)[0])
    begin = found[0][0]["start_ns"] + NAMING_NS
    # The holder itself waits for the GIL's mutex while it lets go: only who waits on the condition
    # waits for the GIL of somebody else.
    found = [rows for rows in found if rows[0]["start_ns"] >= begin and
             any(row["op"] == "wait_bitset" for row in rows)]
    exact = [rows for rows in found if any(row["mark"] == "exact" for row in rows)]
    check(len(found) >= 20, f"{python.name}: only {len(found)} episodes")
    # One that begins and ends while the GIL changes hands has none.
    check(len(exact) >= 0.95 * len(found),
          f"{python.name}: {len(exact)} of {len(found)} episodes have an exact holder")
    busy = {thread["thread"] for thread in trace.threads}
    for wait in trace.waits:
        check(wait["holder"] is None or (wait["holder"] in busy and
                                         wait["holder"] != wait["thread"]),
              f"{python.name}: held by {wait['holder']}, waited for by {wait['thread']}")
    return len(exact), len(found)


@case
def the_gil_is_one_lock_its_holder_is_exact_and_joins_are_none():
    named, sums = [], [0, 0]
    for python in pythons.interpreters(pythons.has_gil):
        tells = python.kind == "CPython" and (3, 8) <= python.version <= (3, 13)
        _, trace = pythons.run(python, SPIN, *((3, 1.2) if tells else (2, 0.8)))
        check_one_gil(python, trace)
        check_joins(python, trace)
        interpreter = trace.meta["interpreter"] or ""
        check(interpreter.startswith(python.name.split(" ", maxsplit=1)[0]),
              f"{python.name} is called '{interpreter}'")
        named.append(python.name)
        if tells:
            exact, found = check_holders(python, trace)
            named[-1] += f" {exact}/{found}"
            sums = [sums[0] + exact, sums[1] + found]
    check(sums[0] >= 0.99 * sums[1], f"{sums[0]} of {sums[1]} episodes have an exact holder")
    return ", ".join(named)


@case
def threads_are_called_by_the_function_they_were_given_or_numbered():
    wanted = pythons.interpreters(lambda python: python.has_gil and python.version >= (3, 3))
    for python in wanted:
        _, trace = pythons.run(python, NAMED)
        names = [thread["name"] for thread in pythons.workers(trace)]
        main = pythons.main_thread(trace)
        numbered = [f"thread {number} of {main['comm']}" for number in (2, 3, 4)]
        if python.kind == "CPython" and (3, 7) <= python.version <= (3, 13):
            own = "Worker.run" if python.version >= (3, 11) else "run in program.py"
            check(names == ["count_down", own, numbered[2]], f"{python.name}: {names}")
        else:
            check(names == numbered, f"{python.name}: {names}")
        check(main["name"] == "", f"{python.name}: the main thread is called {main['name']}")
    return ", ".join(python.name for python in wanted)


@case
def a_program_found_waiting_is_named_as_well():
    python = pythons.interpreters(lambda python: python.has_gil and python.kind == "CPython" and
                                  (3, 7) <= python.version <= (3, 13))[0]
    program, path = [os.path.join(harness.folder, name) for name in ("named.py", "attached")]
    with open(program, "w", encoding="utf-8") as file:
        file.write(NAMED.replace("0.6", "30"))
    process = harness.start([python.path, "-B", program])
    try:
        harness.wait_until(lambda: len(os.listdir(f"/proc/{process.pid}/task")) == 4, "4 threads")
        time.sleep(0.3)  # the last one gets to its sleep
        result = harness.convoy("attach", "-p", process.pid, "-d", "1", "-o", path)
    finally:
        process.kill()
        process.communicate()
    check(result.status == 0, result.stderr)
    trace = harness.Trace(path)
    names = [thread["name"] for thread in pythons.workers(trace)]
    check("count_down" in names, f"{python.name}: {names}")
    check((trace.meta["interpreter"] or "").startswith("CPython"), trace.meta["interpreter"])
    for lock in trace.locks:
        check(" in " in lock["name"] or pythons.is_gil(lock), f"without a name: {lock['name']}")
    return python.name


@case
def a_stripped_library_hides_no_gil():
    if not shutil.which("strip"):
        raise Skip("strip is not installed")
    wanted = pythons.interpreters(lambda python: python.kind == "CPython" and python.has_gil and
                                  python.library())
    for python in wanted:
        place = os.path.join(harness.folder, "lib-" + python.name.replace(" ", "-"))
        os.mkdir(place, mode=0o755)
        copy = os.path.join(place, os.path.basename(python.library()))
        subprocess.run(["strip", "--strip-all", "-o", copy, python.library()], check=True)
        os.chmod(copy, 0o755)
        _, trace = pythons.run(python, SPIN, 2, 0.8, env={"LD_LIBRARY_PATH": place})
        check_one_gil(python, trace)
        check_joins(python, trace)
    return ", ".join(python.name for python in wanted)


@case
def interpreters_in_a_process_have_gils_of_their_own():
    wanted = pythons.interpreters(lambda python: python.kind == "CPython" and python.has_gil and
                                  (3, 12) <= python.version <= (3, 13))
    for python in wanted:
        _, trace = pythons.run(python, ISOLATED)
        names = {lock["name"] for lock in gils(trace)}
        own = {name for name in names if name.startswith("GIL of interpreter ")}
        check(len(own) == 2, f"{python.name}: {sorted(names)}")
        for lock in gils(trace):
            waiters = {wait["thread"] for wait in trace.waits if wait["lock"] == lock["lock"]}
            check(lock["name"] not in own or len(waiters) == 2,
                  f"{python.name}: {len(waiters)} threads wait for the {lock['name']}, not 2")
    return ", ".join(python.name for python in wanted)


@case
def jython_has_no_gil_and_the_jvm_idles():
    if not shutil.which("jython"):
        raise Skip("jython is not installed")
    path = os.path.join(harness.folder, "spin.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(SPIN)
    _, trace = record("jython", path, "2", "0.5")
    check(not gils(trace), f"a GIL: {[lock['name'] for lock in gils(trace)]}")
    busy = [thread for thread in trace.threads if thread["comm"].startswith("Thread-")]
    check(len(busy) == 2, f"{len(busy)} busy threads, not two")
    java = [lock for lock in trace.locks if lock["evidence"].startswith("java-")]
    check(any(lock["name"].startswith("JVM-internal ") for lock in java), f"{named(trace.locks)}")
    # Decided by what the call is, never by who happened to wake whom.
    wrong = [lock for lock in trace.locks
             if "libjvm.so" in lock["name"] and not lock["name"].startswith("JVM-internal ")]
    check(not wrong, f"inside of the JVM, and not called so: {named(wrong)}")
    total = sum(lock["wait_ns"] for lock in trace.locks)
    idle = sum(lock["wait_ns"] for lock in java if lock["state"] == "condition")
    rest = [lock for lock in trace.locks if lock["state"] == "futex"]
    check(sum(lock["wait_ns"] for lock in rest) <= 0.05 * total, f"no class: {named(rest)}")
    return f"{100 * idle / total:.0f} % of all waits are the JVM's and idle"


def named(locks):
    return sorted({(lock["kind"], lock["state"], lock["name"], lock["evidence"]) for lock in locks})


def count_phase(trace):
    """How long the count took, and for how long of it two threads ran."""
    rows = [row for row in trace.parallel if row["phase"] == "count"]
    return (sum(row["wall_ns"] for row in rows),
            sum(row["wall_ns"] for row in rows if row["running"] > 1))


def counted(python):
    """One round of threads against serial: (the text, the trace of the threads)."""
    if not shutil.which(python):
        raise Skip(f"{python} is not installed")
    path = os.path.join(harness.folder, python)
    result = harness.convoy("countdown", "--python", python, "--variant", "threads", "--rounds", 1,
                            "-o", path)
    check(result.status == 0, result.stderr)
    return result.stdout, harness.Trace(os.path.join(path, "threads", "1"))


@case
def the_countdown_tells_the_gil_of_pypy():
    text, trace = counted("pypy3")
    wall, together = count_phase(trace)
    check(wall > 100 * MS, f"counted for {wall} ns")
    timely(together <= 0.1 * wall, f"two threads ran for {together} of {wall} ns")
    gil = gils(trace)
    check(len(gil) == 1 and gil[0]["state"] == "lock", f"{named(trace.locks)}")
    for thread in pythons.workers(trace):
        check(pythons.waited(trace, thread, pythons.is_gil) > 0, f"{thread['tid']} never waited")
    rest = sum(lock["wait_ns"] for lock in trace.locks if lock["state"] == "futex")
    check(rest <= 0.05 * sum(lock["wait_ns"] for lock in trace.locks), f"{named(trace.locks)}")
    check("PyPy" in text and "waiting for the GIL" in text and "without the GIL" in text, text)
    check("Why threads beat serial" not in text, text)
    return f"two ran for {100 * together / wall:.1f} % of the count"


@case
def the_countdown_tells_that_jython_has_none():
    text, trace = counted("jython")
    wall, together = count_phase(trace)
    check(not gils(trace) and "GIL" not in text, text)
    workers = [thread for thread in trace.threads if thread["comm"].startswith("Thread-")]
    check(len(workers) == 2, f"{len(workers)} threads count, not 2")
    # Nothing keeps one from running beside the other but other programs.
    unready = sum(harness.unready(thread) for thread in workers)
    shorter = min(thread["running_ns"] for thread in workers)
    check(together >= 0.7 * shorter - unready,
          f"two ran for {together} ns, the shorter of them for {shorter}, {unready} unready")
    # A mutex of the JVM may be met by chance, and its holder may stand without a CPU.
    lost = sum(pythons.waited(trace, thread, lambda lock: lock["state"] == "lock" and
                              not lock["evidence"].startswith("java-internal"))
               for thread in workers)
    check(lost <= 0.02 * wall, f"counting waited {lost} of {wall} ns for locks")
    return f"two ran for {100 * together / wall:.1f} % of the count"


harness.main()
