#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Where the time of threads goes, held against what the workloads say of themselves."""

import harness
from harness import MS, case, check, near, record, timely, unready, workload


def stolen(trace, row):
    """What the hypervisor took of a thread's running time, which its own clock leaves out: no more
    than the machine as a whole lost, told in ticks of 10 ms."""
    over = max(0, row["running_ns"] - (row["kernel_run_ns"] or row["running_ns"]))
    taken = trace.meta["steal_ns"] or 0
    return min(over, taken + 10 * MS if taken else 0)


def compare_run(trace, truths):
    worst = 0
    for truth in truths:
        row = trace.thread(truth["tid"])
        worst = max(worst, abs(near(row["running_ns"] - stolen(trace, row), truth["run_ns"], 0.01,
                                    2 * MS,
                                    f"running time of {truth['role']}")))
    return worst


@case
def running_time_is_that_of_the_threads_clocks():
    result, trace = record(workload("w_spin"), "--threads", "2", "--ms", "200")
    worst = compare_run(trace, result.truth.threads())
    return f"worst difference {worst / 1000:.0f} us of 200 ms"


def accounts(trace):
    """For each thread both could account for: running but for what interrupts and the hypervisor
    took of it, which the kernel does not charge; ready from a wake-up to its switch, which it does
    charge; what the kernel charged; switches."""
    for row in trace.threads:
        run, ready, taken = (trace.meta[name][row["thread"] - 1]
                            for name in ("own_run_ns", "charged_ready_ns", "uncharged_ns"))
        if run is not None and row["kernel_run_ns"] is not None:
            yield (int(run) - int(taken), int(ready), row["kernel_run_ns"],
                   row["voluntary_switches"] + row["involuntary_switches"])


@case
def running_time_is_the_kernels_on_one_cpu():
    """The kernel does not read its clock anew at every switch: what was stolen right there may be
    taken from the one thread here and from the other there, but not from their sum."""
    _, trace = record(workload("w_pingpong"), "--turns", "20000", "--pin", "0")
    rows = list(accounts(trace))
    taken = sum(int(ns or 0) for ns in trace.meta["uncharged_ns"])
    for run, ready, kernel, _ in rows:
        near(run + ready, kernel, 0.001, MS + taken, "running time")
    worst = near(sum(run + ready for run, ready, _, _ in rows), sum(row[2] for row in rows), 0.001,
                 MS, "running time of all threads")
    return f"{worst / 1000:.0f} us off, {taken / 1000:.0f} us taken"


def off_by_switch(trace):
    """Fails where more than 2 us a switch are not told apart; returns the worst, in ns."""
    off = []
    for run, ready, kernel, switches in accounts(trace):
        near(run + ready, kernel, 0.001, MS + 2000 * switches, "running time")
        if switches > 1000:
            off.append((run + ready - kernel) / switches)
    return f"{max(off, key=abs):.0f} ns a switch"


@case
def running_time_is_the_kernels_across_idle_cpus():
    """What a CPU takes to come out of idle is running to the kernel, and is told apart; looking for
    other work at a switch to idle is so to convoy, and is not."""
    _, trace = record(workload("w_pingpong"), "--turns", "20000")
    return off_by_switch(trace)


@case
def running_time_is_the_kernels_beside_busy_threads():
    """A thread that a wake-up puts in the place of another is charged from the wake-up on."""
    busy = harness.start([workload("w_spin"), "--threads", "2", "--ms", "20000"])
    try:
        _, trace = record(workload("w_mutex"), "--threads", "4", "--rounds", "5000",
                          "--hold-us", "20")
    finally:
        busy.kill()
        busy.communicate()
    early = sum(ready for _, ready, _, _ in accounts(trace))
    timely(early > 10 * MS, f"{early} ns from wake-ups to their switches: nobody was displaced")
    return f"{off_by_switch(trace)}, {early / 1e6:.0f} ms told apart"


@case
def more_threads_than_cpus_wait_for_a_cpu():
    result, trace = record(workload("w_spin"), "--threads", "3", "--ms", "100", "--pin", "0")
    compare_run(trace, result.truth.threads())
    for truth in result.truth.threads():
        row = trace.thread(truth["tid"])
        timely(row["preempted_ns"] + row["queued_ns"] > 100 * MS,
               f"three share a CPU, but this one waited only {row['preempted_ns']} ns for it")
        check(row["involuntary_switches"] > 0, "never switched out against its will?")


@case
def sched_yield_is_counted_apart():
    result, trace = record(workload("w_spin"), "--threads", "2", "--ms", "50", "--yields", "200",
                           "--pin", "0")
    rows = [trace.thread(truth["tid"]) for truth in result.truth.threads()]
    check(all(row["yields"] >= 100 for row in rows), f"yields: {[row['yields'] for row in rows]}")
    # Who gets the CPU back and is asked for it at once goes twice in one call.
    timely(all(row["yields"] <= 200 for row in rows), "more yields than were made")


@case
def sleeps_are_sleeps_with_their_call():
    result, trace = record(workload("w_sleep"), "--ms", "100")
    calls = {"read": {0}, "poll": {7}, "nanosleep": {35, 230}, "epoll": {232, 281}}
    for truth in result.truth.threads():
        row = trace.thread(truth["tid"])
        near(row["sleep_ns"], truth["wait_ns"], 0.01, 2 * MS + unready(row), truth["role"])
        timely(trace.wait_of(row) < 5 * MS, f"{truth['role']} waited for no lock")
        slept = [piece for piece in trace.slices
                 if piece["thread"] == row["thread"] and piece["state"] == "sleep"]
        longest = max(slept, key=lambda piece: piece["duration_ns"])
        check(longest["syscall"] in calls[truth["role"]],
              f"{truth['role']} slept in call {longest['syscall']}")


@case
def waits_for_a_mutex_are_its_waits():
    result, trace = record(workload("w_mutex"), "--rounds", "20", "--hold-us", "4000", "--sleeps")
    truths = result.truth.threads()
    for truth in truths:
        row = trace.thread(truth["tid"])
        near(row["lock_ns"], truth["wait_ns"], 0.05, 2 * MS + unready(row), "waited for the mutex")
    locks = [lock for lock in trace.locks_at(truths[0]["lock"]) if lock["state"] == "lock"]
    check(len(locks) == 1, f"{len(locks)} locks at the mutex, not one: {locks}")
    noise = sum(unready(trace.thread(truth["tid"])) for truth in truths)
    near(locks[0]["wait_ns"], sum(truth["wait_ns"] for truth in truths), 0.05, 2 * MS + noise,
         "in all")
    check(locks[0]["kind"] == "mutex", f"its kind is {locks[0]['kind']}")
    check(locks[0]["waiters"] == 3, f"{locks[0]['waiters']} waiters, not 3")
    near(locks[0]["max_ns"], 8 * MS, 0.5, 5 * MS + noise, "longest wait: about two holds")


@case
def a_running_holder_serialises_the_others():
    result, trace = record(workload("w_mutex"), "--rounds", "20", "--hold-us", "3000")
    compare_run(trace, result.truth.threads())
    for truth in result.truth.threads():
        row = trace.thread(truth["tid"])
        near(row["lock_ns"], truth["wait_ns"], 0.05, 2 * MS + unready(row), "waited")


@case
def an_idle_pool_is_never_contention():
    result, trace = record(workload("w_cond_idle"), "--threads", "4", "--ms", "200")
    for truth in result.truth.threads():
        row = trace.thread(truth["tid"])
        timely(row["lock_ns"] < 2 * MS, f"idle, but {row['lock_ns']} ns called contention")
        near(trace.wait_of(row), truth["wait_ns"], 0.02, 2 * MS + unready(row), "idle time")
    timely(sum(lock["wait_ns"] for lock in trace.locks if lock["state"] == "lock") < 5 * MS,
           "a lock is blamed for an idle pool")


@case
def joining_is_join():
    result, trace = record(workload("w_join"), "--ms", "150")
    joiner, worker = result.truth.threads("joiner")[0], result.truth.threads("worker")[0]
    row = trace.thread(joiner["tid"])
    near(row["join_ns"], joiner["wait_ns"], 0.02, 2 * MS + unready(row), "time in join")
    check(row["lock_ns"] == 0, "the joining thread is called contended")
    compare_run(trace, [worker])


@case
def early_ones_wait_at_a_barrier():
    result, trace = record(workload("w_barrier"), "--threads", "3", "--rounds", "8")
    for truth in result.truth.threads("early"):
        row = trace.thread(truth["tid"])
        near(trace.wait_of(row), truth["wait_ns"], 0.05, 2 * MS + unready(row), "at the barrier")
        check(row["lock_ns"] == 0, "waiting at a barrier is called contention")
    last = trace.thread(result.truth.threads("last")[0]["tid"])
    timely(trace.wait_of(last) < 5 * MS, "the last one kept nobody waiting but waited itself")


@case
def every_waker_of_a_chain_is_its_predecessor():
    result, trace = record(workload("w_chain"), "--threads", "3", "--rounds", "500")
    return check_chain(result, trace)


@case
def every_waker_of_a_chain_on_one_cpu_is_its_predecessor():
    result, trace = record(workload("w_chain"), "--threads", "3", "--rounds", "500", "--pin", "1")
    return check_chain(result, trace)


def check_chain(result, trace):
    truths = sorted(result.truth.threads(), key=lambda truth: truth["role"])
    numbers = [trace.thread(truth["tid"])["thread"] for truth in truths]
    waits = [wait for wait in trace.waits if wait["thread"] in numbers]
    right = wrong = 0
    for wait in waits:
        expected = numbers[numbers.index(wait["thread"]) - 1]
        right += wait["waker"] == expected
        wrong += wait["waker"] not in (expected, None)
    main = len(numbers)  # the very first wake-up is the main thread's
    near(len(waits), sum(truth["waits"] for truth in truths), 0.01, 5, "waits")
    check(right + main >= 0.999 * len(waits), f"{right} of {len(waits)} wakers are right")
    check(wrong <= main, f"{wrong} wakers are wrong")
    return f"{right} of {len(waits)} wakers"


@case
def turns_of_a_ping_pong_are_all_there():
    result, trace = record(workload("w_pingpong"), "--turns", "20000", "--pin", "0")
    for truth in result.truth.threads():
        row = trace.thread(truth["tid"])
        waits = [wait for wait in trace.waits if wait["thread"] == row["thread"]]
        near(len(waits), truth["waits"], 0.01, 10, "waits of a player")
        check(row["voluntary_switches"] >= len(waits), "fewer switches than waits")
    return f"{len(trace.slices)} slices"


harness.main()
