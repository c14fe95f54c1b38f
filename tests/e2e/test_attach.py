#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""`convoy attach`: living processes, left as they were found."""

import os
import shutil
import signal
import subprocess
import time

import arithmetic
import harness
from harness import MS, case, check, convoy, near, timely, watch as attach, workload


class Target:
    """A workload that lives until the block ends."""

    def __init__(self, *argv):
        self.process = subprocess.Popen([str(word) for word in argv], stdout=subprocess.DEVNULL)
        self.pid = self.process.pid

    def __enter__(self):
        time.sleep(0.2)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def status(self, key):
        with open(f"/proc/{self.pid}/status", encoding="utf-8", errors="replace") as file:
            return [line.split(None, 1)[1].strip() for line in file if line.startswith(key)][0]


@case
def threads_parked_since_before_are_there():
    with Target(workload("w_cond_idle"), "--threads", "8", "--ms", "20000") as target:
        trace = attach([target.pid], "0.3")
    wall = trace.end_ns - trace.start_ns
    rows = trace.process(target.pid)
    check(len(rows) == 9, f"{len(rows)} threads, not 9")
    near(wall, 300 * MS, 0.05, 20 * MS, "the window")
    for row in rows:
        check(row["start_ns"] == trace.start_ns and row["end_ns"] == trace.end_ns,
              "it was there from the first instant to the last")
        parked = trace.wait_of(row) + row["sleep_ns"] + row["unknown_ns"]
        near(parked, wall, 0, 1 * MS, "parked all the time")
    waiting = [row for row in rows if trace.wait_of(row) > 0.9 * wall]
    check(len(waiting) == 8, f"{len(waiting)} of 8 known to wait in a futex")
    check(sum(row["lock_ns"] for row in rows) == 0, "an idle pool is called contended")


@case
def threads_parked_for_one_thing_wait_for_one_thing():
    with Target(workload("w_parking"), "--rounds", "1000") as target:
        trace = attach([target.pid], "0.5")
    # Who is let go before it sleeps may have left the list already: that wait is a short one.
    waited = [(lock["state"], lock["waiters"]) for lock in trace.locks
              if lock["kind"] not in ("mutex", "join") and lock["wait_ns"] > 1 * MS]
    check(sorted(waited) == [("condition", 3), ("lock", 3)], f"{trace.locks}")


@case
def more_threads_than_fit_a_buffer_are_all_there():
    with Target(workload("w_cond_idle"), "--threads", "250", "--ms", "20000") as target:
        trace = attach([target.pid], "0.2")
    rows = [row for row in trace.process(target.pid) if row["lifetime_ns"] > 150 * MS]
    check(len(rows) == 251, f"{len(rows)} threads observed from begin to end, not 251")


@case
def running_threads_are_running():
    with Target(workload("w_spin"), "--threads", "2", "--ms", "30000") as target:
        trace = attach([target.pid], "0.3")
    wall = trace.end_ns - trace.start_ns
    busy = [row for row in trace.process(target.pid)
            if row["running_ns"] + row["preempted_ns"] + row["queued_ns"] > 0.99 * wall]
    check(len(busy) == 2, f"{len(busy)} of 2 threads known to be busy")


@case
def living_descendants_are_targets_too():
    script = f"{workload('w_spin')} --threads 1 --ms 20000 & wait"
    with Target("sh", "-c", script) as target:
        child = harness.children(target.pid)[0]
        try:
            trace = attach([target.pid], "0.2")
        finally:
            os.kill(child, signal.SIGKILL)
    check(trace.process(child), "the child that already lived is missing")


@case
def several_processes_at_once():
    with Target("sleep", "20") as one, Target("sleep", "20") as other:
        trace = attach([one.pid, other.pid], "0.2")
    check({row["pid"] for row in trace.threads} == {one.pid, other.pid}, "not both are there")


@case
def a_process_that_ends_while_watched_ends_the_report():
    with Target(workload("w_spin"), "--threads", "1", "--ms", "1500") as target:
        begin = time.monotonic()
        trace = attach([target.pid], "20")
    timely(time.monotonic() - begin < 5, "convoy went on without a target")
    check(trace.process(target.pid), "the target is missing")


@case
def a_stopped_target_stays_stopped():
    with Target(workload("w_spin"), "--threads", "1", "--ms", "30000") as target:
        os.kill(target.pid, signal.SIGSTOP)
        harness.wait_until(lambda: target.status("State").startswith("T"), "stopped")
        trace = attach([target.pid], "0.2")
        check(target.status("State").startswith("T"), "it goes on running")
        check(target.status("TracerPid") == "0", "somebody traces it")
    wall = trace.end_ns - trace.start_ns
    for row in trace.process(target.pid):
        check(row["stopped_ns"] + row["unknown_ns"] == wall, f"stopped {row['stopped_ns']} ns")
        check(row["stopped_ns"] == wall, "known to be stopped, but called unknown")


KEPT = {"chown": 0, "dac_override": 1, "dac_read_search": 2, "fowner": 3, "kill": 5,
        "sys_ptrace": 19, "perfmon": 38, "bpf": 39, "checkpoint_restore": 40}


def privilege_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return ({name: int(fields[name], 16) for name in ("CapEff", "CapPrm", "CapInh")},
            fields["NoNewPrivs"])


@case
def privileges_that_are_not_needed_are_given_up():
    """While it observes, convoy could not become more again; and with what it kept it still reads
    the names of another user's program, one that was deleted."""
    path = os.path.join(harness.folder, "gone")
    shutil.copy(workload("w_cond_idle"), path)
    argv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", path, "--ms",
            "3000", "--threads", "2"]
    with harness.start(argv) as target:
        harness.wait_until(lambda: len(os.listdir(f"/proc/{target.pid}/task")) == 3, "2 threads")
        os.unlink(path)
        before = privilege_of(os.getpid())[0]["CapPrm"]
        trace_path = os.path.join(harness.folder, "trace")
        process = harness.start([harness.CONVOY, "attach", "-p", str(target.pid), "-d", "1", "-o",
                                 trace_path])
        time.sleep(0.7)
        capabilities, no_new = privilege_of(process.pid)
        result = harness.finish(process)
        target.kill()
    wanted = sum(1 << bit for bit in KEPT.values()) & before
    check(capabilities == {"CapEff": wanted, "CapPrm": wanted, "CapInh": 0},
          f"{ {name: hex(value) for name, value in capabilities.items()} }, not {hex(wanted)}")
    check(no_new == "1", "an exec could gain privileges")
    check(result.status == 0, result.stderr)
    names = [row["name"] for row in harness.Trace(trace_path).locks]
    check(any("w_cond_idle" in name or "'pool" in name or "gone" in name for name in names),
          f"{names}")


@case
def what_is_no_process_is_said():
    child = subprocess.Popen(["true"])
    child.wait()
    for pid in (str(child.pid), "0", "-1", "x", "1,,2", "99999999999"):
        result = convoy("attach", "-p", pid, "-d", "0.1")
        check(result.status == 2, f"-p {pid}: status {result.status}")
        check(result.stderr.strip() and not result.stdout.strip(), f"-p {pid}: {result.stderr}")


@case
def a_target_that_dies_during_attach_is_no_crash():
    for _ in range(20):
        target = subprocess.Popen(["sleep", "0.05"])
        result = convoy("attach", "-p", str(target.pid), "-d", "0.1")
        target.wait()
        check(result.status in (0, 2), f"status {result.status}\n{result.stderr}")


@case
def ctrl_c_gives_the_report_of_what_was_seen():
    with Target("sleep", "30") as target:
        path = os.path.join(harness.folder, "trace")
        process = harness.start([harness.CONVOY, "attach", "-p", str(target.pid), "-o", path])
        time.sleep(1)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        result = harness.finish(process)
        timely(time.monotonic() - begin < 2, "it took longer than 2 s")
        check(result.status in (0, 130) and result.stderr + result.stdout, result.stderr)
        arithmetic.verify(harness.Trace(path))
        check(harness.is_alive(target.pid), "the target died")


harness.main()
