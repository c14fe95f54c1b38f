#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Many times over, at random moments, and more than fits: nothing is lost that is not counted,
nobody is merged or made up, nothing is left behind.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time

import arithmetic
import harness
from harness import CONVOY, MS, Skip, case, check, near, record, watch, workload

SWITCHES = """
import resource, threading, time
def work(number):
    for turn in range(200):
        time.sleep(0.0005)
        sum(range(2000))
    use = resource.getrusage(resource.RUSAGE_THREAD)
    print(f"switches tid={threading.get_native_id()} voluntary={use.ru_nvcsw} "
          f"involuntary={use.ru_nivcsw}", flush=True)
crew = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for one in crew: one.start()
for one in crew: one.join()
"""

REUSE = """
import os
wanted = 0
for attempt in range(400):
    if wanted:
        with open("/proc/sys/kernel/ns_last_pid", "w") as file:
            file.write(str(wanted - 1))
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    print(f"child pid={pid}", flush=True)
    wanted = wanted or pid
"""

SPAWN = """
import os
for number in range(50):
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
"""

EXIT = """
import os, threading, time
lock = threading.Lock()
lock.acquire()
for number in range(8):
    threading.Thread(target=lock.acquire).start()
time.sleep(0.1)
os._exit(7)
"""

# Executes itself again and again.
EXEC = "import os, sys, time; time.sleep(0.02); os.execv(sys.executable, sys.orig_argv)"


def python(text, *options):
    return (sys.executable, *options, "-c", text)


@case
def the_switches_of_a_thread_are_those_of_the_kernel():
    result, trace = record(*python(SWITCHES))
    worst = 0
    for truth in result.truth.all("switches"):
        row = trace.thread(truth["tid"])
        # Between its last look and its end a thread may switch a few times more.
        for name in ("voluntary", "involuntary"):
            more = row[name + "_switches"] - truth[name]
            worst = max(worst, abs(more))
            check(0 <= more <= 12, f"{name}: {row[name + '_switches']}, the kernel {truth[name]}")
    return f"at most {worst} more"


@case
def nothing_is_lost_at_the_end():
    for number in range(20):
        result, trace = record(workload("w_pingpong"), "--turns", "1500", name=f"trace{number}")
        check(trace.meta["complete"], f"run {number}: {trace.meta['loss']}")
        check(len(trace.slices) == trace.meta["slices_produced"],
              f"run {number}: {len(trace.slices)} of {trace.meta['slices_produced']} slices")
        for truth in result.truth.threads():
            waits = sum(lock["waits"] for lock in trace.locks_at(truth["lock"], 4))
            near(waits, truth["waits"], 0, 2, f"run {number}: waits on its word")


@case
def a_fork_storm_of_twenty_thousand():
    result, trace = record(workload("w_forkstorm"), "--forks", "20000", "--at-once", "8")
    count = result.truth.one("forks")["count"]
    merged = trace.meta["loss"]["dead_full"]
    known = [row for row in trace.threads if row["tid"]]
    check(len(known) + merged == count + 1, f"{len(known)} rows, {merged} merged, not {count} + 1")
    check(trace.meta["loss"]["life_ring"] == 0 or not trace.meta["complete"],
          "births are missing, yet it is called complete")
    return f"{merged} merged"


@case
def a_thread_storm_beyond_capacity_is_summed():
    """While convoy stands still, more threads die than there is room for: the rest is one row."""
    path = os.path.join(harness.folder, "trace")
    process = harness.start([CONVOY, "run", "-q", "-o", path, "--", workload("w_threads"),
                             "--count", "14000", "--us", "5"])
    harness.wait_until(lambda: harness.children(process.pid), "the command")
    child = harness.children(process.pid)[0]
    harness.wait_until(lambda: executes(child, "w_threads") or not harness.is_alive(child),
                       "the command starts")
    process.send_signal(signal.SIGSTOP)
    try:
        harness.wait_until(lambda: not harness.is_alive(child), "the command ends", 60)
    finally:
        process.send_signal(signal.SIGCONT)
    result = harness.finish(process)
    check(result.status == 0, result.stderr)
    trace = arithmetic.verify(harness.Trace(path))
    merged = trace.meta["loss"]["dead_full"]
    check(merged > 0, "all fitted: the test tests nothing")
    known = [row for row in trace.threads if row["tid"]]
    check(len(known) + merged == 14001, f"{len(known)} rows, {merged} merged, 14001 threads")
    wall = trace.end_ns - trace.start_ns
    for row in known:
        check(row["lifetime_ns"] <= wall, f"{row['lifetime_ns']} ns in a window of {wall}")
    return f"{merged} merged"


def executes(pid, name):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")) == name
    except OSError:
        return False


@case
def a_number_used_again_is_another_thread():
    if not os.path.exists("/proc/sys/kernel/ns_last_pid"):
        raise Skip("the kernel lets nobody choose numbers")
    result, trace = record(*python(REUSE))
    made = {}
    for child in result.truth.all("child"):
        made[child["pid"]] = made.get(child["pid"], 0) + 1
    again = max(made.values())
    if again < 2:
        raise Skip("somebody else took the number each time")
    for pid, times in made.items():
        rows = trace.process(pid)
        check(len(rows) == times, f"number {pid} was used {times} times, {len(rows)} rows")
    return f"one number {again} times"


@case
def spawned_programs_are_one_thread_each():
    _, trace = record(*python(SPAWN))
    check(len(trace.threads) == 51, f"{len(trace.threads)} threads, not 51")
    parent = max(trace.threads, key=lambda row: row["lifetime_ns"])
    check(parent["kernel_ns"] > 0, "its maker never waited for the exec (vfork)")


@case
def threads_that_wait_when_the_process_exits_are_closed():
    _, trace = record(*python(EXIT), status=7)
    waiters = [row for row in trace.threads if row["tid"] != row["pid"]]
    check(len(waiters) == 8, f"{len(waiters)} waiters, not 8")
    for row in waiters:
        check(trace.wait_of(row) > 80 * MS, f"it waited {trace.wait_of(row)} ns only")
        check(row["end_ns"] <= trace.end_ns, "it outlived the window")


@case
def an_executing_target_is_left_alone():
    """Attached to at any moment of its exec."""
    target = subprocess.Popen(python(EXEC), stdout=subprocess.DEVNULL)
    try:
        for number in range(25):
            time.sleep(random.random() / 30)
            trace = watch([target.pid], "0.05", name=f"trace{number}")
            check(trace.process(target.pid), "the target is missing")
            check(target.poll() is None, "the target died")
            with open(f"/proc/{target.pid}/status", encoding="utf-8") as file:
                check("TracerPid:\t0\n" in file.read(), "somebody traces it")
    finally:
        target.kill()
        target.wait()


@case
def fifty_sudden_ends_leave_nothing():
    """SIGKILL at random moments of loading, attaching, observing and writing."""
    before = harness.programs()
    target = subprocess.Popen([workload("w_pingpong"), "--turns", "1000000000", "--pin", "0"],
                              stdout=subprocess.DEVNULL)
    try:
        for number in range(50):
            path = os.path.join(harness.folder, f"trace{number}")
            process = harness.start([CONVOY, "attach", "-q", "-p", str(target.pid), "-d", "0.1",
                                     "-o", path])
            time.sleep(random.random() * 0.7)
            process.kill()
            process.communicate(timeout=10)
            check(harness.is_alive(target.pid), f"the target died with convoy {number}")
            check(not os.path.exists(path) or os.path.exists(os.path.join(path, "meta.json")),
                  "half a trace under its final name")
    finally:
        target.kill()
        target.wait()
    harness.check_nothing_left(before)
    links = json.loads(subprocess.run(["bpftool", "-j", "link", "list"], check=True,
                                      capture_output=True).stdout or b"[]")
    check(not [link for link in links if "pids" in link and not link["pids"]], f"left: {links}")


harness.main()
