#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The same results on older kernels: each boots in a virtual machine, measures static workloads,
and the traces are held against their sums and against what the workloads say of themselves.
"""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))

import arithmetic
import harness
from harness import MS, Trace, Truth, case, check, near, unready
import machine


def text(place, name):
    with open(os.path.join(place, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def load(place, name, status=0):
    """(what the workload says, the trace) of a run; its sums are checked."""
    check(int(text(place, name + ".status")) == status,
          f"{name}: status {text(place, name + '.status')}{text(place, name + '.stderr')}")
    trace = arithmetic.verify(Trace(os.path.join(place, name)))
    check(trace.meta["complete"], f"{name}: not complete: {trace.meta['loss']}")
    return Truth(text(place, name + ".stdout")), trace


def check_mutex(place, name):
    truth, trace = load(place, name)
    for thread in truth.threads("contender"):
        row = trace.thread(thread["tid"])
        near(row["lock_ns"], thread["wait_ns"], 0.1, 20 * MS + unready(row), f"{name}: wait time")
        near(row["running_ns"], thread["run_ns"], 0.1, 20 * MS, f"{name}: running time")
    locks = [row["name"] for row in trace.locks if row["state"] == "lock"]
    check("mutex 'mutex' in w_mutex" in locks, f"{name}: {locks}")


def check_futexops(place):
    truth, trace = load(place, "futexops")
    cells = [cell for cell in truth.all("cell") if cell["result"] != "again"]
    check(len(cells) >= 10, f"only {len(cells)} cells")
    for cell in cells:
        what = f"{cell['op']}, {cell['result']}"
        row = trace.thread(cell["tid"])
        waits = [wait for wait in trace.waits if wait["thread"] == row["thread"]]
        check(len(waits) == 1, f"{what}: {len(waits)} waits, not one")
        # A virtual CPU that the host lets wait goes on running, and a deadline comes nearer.
        margin = 15 * MS + unready(row) + row["running_ns"]
        near(waits[0]["duration_ns"], cell["wait_ns"], 0.1, margin, what)
        check(waits[0]["result"] == cell["result"].replace("_", " "),
              f"{what}: said {waits[0]['result']!r}")
    return len(cells)


def check_lives(place):
    truth, trace = load(place, "leader", status=5)
    survivor = trace.thread(truth.threads("survivor")[0]["tid"])
    check(trace.thread(truth.one("leader")["tid"])["end_ns"] < survivor["end_ns"],
          "the leader outlived the survivor")
    truth, trace = load(place, "exec")
    rows = trace.process(truth.one("after")["pid"])
    check(len(rows) == 3, f"{len(rows)} threads in the process's two lives, not 3")
    for name, word in (("forks", "forks"), ("threads", "threads")):
        truth, trace = load(place, name)
        count = truth.one(word)["count"]
        check(len(trace.threads) == count + 1,
              f"{name}: {len(trace.threads)} rows, not {count} + 1")


def check_attach(place):
    _, trace = load(place, "attach")
    rows = trace.process(int(text(place, "attach.pid")))
    wall = trace.end_ns - trace.start_ns
    check(len(rows) == 9, f"{len(rows)} threads, not 9")
    waiting = [row for row in rows if trace.wait_of(row) > 0.9 * wall]
    check(len(waiting) == 8, f"{len(waiting)} of 8 known to wait in a futex")
    check(sum(row["lock_ns"] for row in rows) == 0, "an idle pool is called contended")


def check_kernel(version, *parameters):
    place = machine.boot(version, *parameters)
    found = text(place, "kernel").strip()
    check(found.startswith(version + "."), f"Linux {found} booted, not {version}")
    check(int(text(place, "doctor.status")) == 0, text(place, "doctor.stdout"))
    check_mutex(place, "mutex")
    check_mutex(place, "lean")
    truth, trace = load(place, "pingpong")
    for thread in truth.threads():
        waits = sum(lock["waits"] for lock in trace.locks_at(thread["lock"], 4))
        near(waits, thread["waits"], 0.01, 10, "waits of the ping-pong")
    cells = check_futexops(place)
    check_lives(place)
    check_attach(place)
    return f"{found}: {cells} futex cells"


@case
def linux_6_1():
    return check_kernel("6.1")


@case
def linux_6_12():
    return check_kernel("6.12")


@case
def linux_6_12_fully_preemptible():
    return check_kernel("6.12", "preempt=full")


harness.main()
