#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Small Python programs whose truth is known, on the interpreters that differ most: idle queues, a
contended lock, many threads, code that releases the GIL, I/O beside a counting thread, a lock
between processes."""

import statistics

import harness
import pythons
from harness import MS, case, check, near, unready

QUEUE = """
import threading, time
try: import queue
except ImportError: import Queue as queue
work = queue.Queue()
def worker():
    while work.get() is not None: pass
threads = [threading.Thread(target=worker) for _ in range(3)]
for thread in threads: thread.start()
for i in range(60):
    time.sleep(0.005)
    work.put(i)
for thread in threads: work.put(None)
for thread in threads: thread.join()
"""

# Each thread prints how long it waited for the lock, by its own clock. The lock is held until all
# ask for it: else, on a busy machine, one may be done before another has begun.
LOCK = """
import sys, threading, time
clock = getattr(time, "perf_counter", time.time)
lock = threading.Lock()
waits = []
begun = []
def holder():
    begun.append(1)
    waited = 0
    for _ in range(40):
        begin = clock()
        lock.acquire()
        waited += clock() - begin
        time.sleep(0.004)
        lock.release()
        time.sleep(0.001)
    waits.append(waited)
threads = [threading.Thread(target=holder) for _ in range(3)]
lock.acquire()
for thread in threads: thread.start()
while len(begun) < 3: time.sleep(0.001)
time.sleep(0.02)
lock.release()
for thread in threads: thread.join()
for waited in waits: sys.stdout.write("waited ns=%d\\n" % (waited * 1e9))
"""

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

# Compressing a block lets go of the GIL.
RELEASING = """
import os, threading, zlib
block = os.urandom(2 << 20)
def packer():
    for _ in range(6): zlib.compress(block)
threads = [threading.Thread(target=packer) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

IO = """
import threading, time
is_over = []
def counter():
    while not is_over:
        for i in range(1000): pass
def sleeper():
    for _ in range(60): time.sleep(0.002)
    is_over.append(1)
threads = [threading.Thread(target=counter), threading.Thread(target=sleeper)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

# Held until all ask for it, as above.
PROCESSES = """
import multiprocessing, os, time
begun, begins = os.pipe()
def work(lock):
    os.write(begins, b"x")
    for _ in range(40):
        with lock: time.sleep(0.003)
        time.sleep(0.001)
if __name__ == "__main__":
    lock = multiprocessing.Lock()
    processes = [multiprocessing.Process(target=work, args=(lock,)) for _ in range(3)]
    lock.acquire()
    for process in processes: process.start()
    for process in processes: os.read(begun, 1)
    time.sleep(0.02)
    lock.release()
    for process in processes: process.join()
"""


def is_other_lock(lock):
    return lock["state"] == "lock" and not pythons.is_gil(lock)


@case
def workers_of_a_queue_are_idle():
    found = pythons.unlike(pythons.has_gil)
    for python in found:
        _, trace = pythons.run(python, QUEUE)
        for thread in pythons.workers(trace):
            locked = pythons.waited(trace, thread, is_other_lock)
            idle = thread["condition_ns"]
            check(locked <= 0.05 * idle, f"{python.name}: {locked} ns locked, {idle} idle")
            check(idle + unready(thread) > 0.5 * pythons.alive(thread),
                  f"{python.name}: {idle} of {pythons.alive(thread)} ns idle")
    return f"{len(found)} interpreters"


@case
def a_lock_of_three_threads_is_contended_and_named():
    figures = []
    for python in pythons.unlike(pythons.has_gil):
        result, trace = pythons.run(python, LOCK)
        locks = [lock for lock in trace.locks if is_other_lock(lock)]
        check(len(locks) == 1, f"{python.name}: {[lock['name'] for lock in locks]}, not one lock")
        check(locks[0]["waiters"] == 3, f"{python.name}: {locks[0]['waiters']} waiters, not 3")
        can_read = python.kind == "CPython" and (3, 7) <= python.version <= (3, 15)
        name = "semaphore in holder() of program.py" if can_read else "semaphore in "
        check(locks[0]["name"].startswith(name), f"{python.name}: {locks[0]['name']}")
        workers = pythons.workers(trace)
        # Its own clock stops when it has the GIL again and a CPU.
        gil = sum(pythons.waited(trace, thread, pythons.is_gil) for thread in workers)
        margin = gil + sum(unready(thread) for thread in workers) + 10 * MS
        truth = sum(row["ns"] for row in result.truth.all("waited"))
        off = near(locks[0]["wait_ns"], truth, 0.05, margin, f"{python.name}: wait")
        figures.append(f"{python.version[0]}.{python.version[1]}: {100 * off / truth:.1f} %")
    return ", ".join(figures)


@case
def every_thread_waits_for_the_gil():
    figures = []
    for count in (2, 4, 16):
        for python in pythons.interpreters(lambda python: python.has_gil and
                                           python.kind == "CPython" and
                                           python.version >= (3, 2))[:1]:
            _, trace = pythons.run(python, SPIN, count, 1)
            gil = [lock for lock in trace.locks if lock["kind"] == "gil"]
            workers = pythons.workers(trace)
            check(len(gil) == 1 and len(workers) == count,
                  f"{python.name}: {len(gil)} GILs, {len(workers)} threads")
            check(all(pythons.waited(trace, thread, pythons.is_gil) > 0 for thread in workers),
                  f"{python.name}: not all of {count} threads waited for the GIL")
            running = sum(thread["running_ns"] for thread in workers)
            waited = sum(thread["lock_ns"] for thread in workers)
            # While one runs, all others wait; on a busy machine some of them stand ready instead.
            alive = sum(pythons.alive(thread) - unready(thread) for thread in workers)
            check(waited >= 0.7 * alive * (count - 1) / count,
                  f"{python.name}, {count} threads: {waited} ns waited of {alive}")
            figures.append(f"{count}: {waited / running:.1f}")
    return "wait per run of 2, 4 and 16 threads: " + ", ".join(figures)


@case
def code_that_lets_go_of_the_gil_waits_little_for_it():
    figures = []
    for python in pythons.unlike(lambda python: python.has_gil and python.kind == "CPython"):
        _, trace = pythons.run(python, RELEASING)
        workers = pythons.workers(trace)
        waited = sum(thread["lock_ns"] for thread in workers)
        running = sum(thread["running_ns"] for thread in workers)
        # A holder without a CPU keeps the other waiting, which is the machine's doing.
        check(waited <= 0.03 * running + 0.2 * sum(unready(thread) for thread in workers) + 5 * MS,
              f"{python.name}: {waited} ns waited, {running} ns ran")
        figures.append(f"{python.version[0]}.{python.version[1]}: {100 * waited / running:.1f} %")
    return ", ".join(figures)


@case
def io_beside_a_counting_thread_waits_a_switch_interval_each_time():
    figures = []
    for python in pythons.unlike(lambda python: python.has_gil and python.kind == "CPython" and
                                 python.version >= (3, 2)):
        _, trace = pythons.run(python, IO)
        sleeper = pythons.workers(trace)[1]
        returns = {}
        for lock, wait in pythons.waits_by_lock(trace, sleeper):
            if lock["kind"] == "gil":
                returns[wait["episode"]] = returns.get(wait["episode"], 0) + wait["duration_ns"]
        check(len(returns) >= 30, f"{python.name}: {len(returns)} waits after 60 sleeps")
        median = statistics.median(returns.values())
        check(median >= 4.5 * MS, f"{python.name}: {median} ns at each return, not 5 ms")
        figures.append(f"{python.version[0]}.{python.version[1]}: {median / MS:.1f} ms")
    return ", ".join(figures)


@case
def a_lock_between_processes_is_one_lock():
    found = pythons.unlike(lambda python: python.has_gil and python.kind == "CPython" and
                           python.version < (3, 14))
    for python in found:
        _, trace = pythons.run(python, PROCESSES)
        locks = [lock for lock in trace.locks if is_other_lock(lock) and
                 lock["wait_ns"] > 10 * MS]
        check(len(locks) == 1, f"{python.name}: {[lock['name'] for lock in locks]}, not one lock")
        check(locks[0]["waiters"] == 3 and not locks[0]["pid"],
              f"{python.name}: {locks[0]['waiters']} waiters, of process {locks[0]['pid']}")
        check("(shared)" in locks[0]["name"], f"{python.name}: {locks[0]['name']}")
    return f"{len(found)} interpreters"


harness.main()
