# SPDX-License-Identifier: GPL-2.0-only
"""The identities, recomputed from the CSV files of a trace with nothing but additions: a second
opinion that shares no line with convoy. verify(trace) raises AssertionError at the first sum that
does not come out; where slices were lost, only what must survive that is asked.
"""

from harness import check

FUTEX_COLUMNS = ("lock_ns", "condition_ns", "join_ns", "futex_ns")
STATES = ("running", "preempted", "queued", "io", "kernel", "sleep", "stopped", "unknown")


def verify(trace):
    check(trace.threads, "threads.csv is empty")
    check(trace.start_ns < trace.end_ns, "the window is empty")
    for thread in trace.threads:
        verify_thread(trace, thread)
    verify_waits(trace)
    verify_residuals(trace)
    if trace.meta["complete"]:
        verify_slices(trace)
        verify_parallel(trace)
    return trace


def verify_thread(trace, thread):
    """I1: the states of a thread sum to its lifetime, which lies in the window."""
    what = f"thread {thread['thread']} (tid {thread['tid']})"
    total = sum(thread[state + "_ns"] for state in STATES) + sum(
        thread[column] for column in FUTEX_COLUMNS)
    if thread["tid"] == 0:  # only its number is known: the rest is in "other threads"
        check(trace.meta["loss"]["dead_full"] > 0, f"{what}: idle is no thread")
        check(total == thread["lifetime_ns"] == 0, f"{what}: summed, and {total} ns beside")
        return
    check(thread["pid"] != 0, f"{what}: idle is no thread")
    if thread["tid"] is None:  # "other threads": a sum of several
        check(total == thread["lifetime_ns"], f"{what}: I1 {total} != {thread['lifetime_ns']}")
        return
    lifetime = thread["end_ns"] - thread["start_ns"]
    check(total == lifetime == thread["lifetime_ns"],
          f"{what}: I1: states sum to {total}, it lived {lifetime}, said {thread['lifetime_ns']}")
    check(trace.start_ns <= thread["start_ns"] <= thread["end_ns"] <= trace.end_ns,
          f"{what}: outside of the window")


def verify_waits(trace):
    """I6: waits per lock and in all; every lock of a slice exists."""
    wait_ns = sum(lock["wait_ns"] for lock in trace.locks)
    columns_ns = sum(trace.wait_of(thread) for thread in trace.threads)
    check(wait_ns == columns_ns, f"I6: locks sum to {wait_ns}, threads to {columns_ns}")
    if not trace.meta["complete"]:
        return
    for lock in trace.locks:
        mine = [wait for wait in trace.waits if wait["lock"] == lock["lock"]]
        total = sum(wait["duration_ns"] for wait in mine)
        check(total == lock["wait_ns"],
              f"lock {lock['lock']}: waits sum to {total}, {lock['wait_ns']} said")


def verify_residuals(trace):
    for name, residual in trace.meta["residuals_ns"].items():
        check(residual in (0, None), f"meta.json: residual of {name} is {residual} ns")


def verify_slices(trace):
    """I0: slices in order, without gap or overlap per thread, and their sums are the totals."""
    edge, sums = {}, {}
    last = (0, 0)
    begins = {thread["thread"]: thread["start_ns"] for thread in trace.threads}
    for piece in trace.slices:
        thread, begin = piece["thread"], piece["start_ns"]
        check((begin, thread) > last, f"slices.csv: {begin} of thread {thread} is out of order")
        last = (begin, thread)
        check(piece["duration_ns"] > 0, f"slices.csv: an empty slice at {begin}")
        check(edge.get(thread, begins[thread]) == begin,
              f"thread {thread}: a slice begins at {begin}, the one before it ended at "
              f"{edge.get(thread, begins[thread])}")
        edge[thread] = begin + piece["duration_ns"]
        key = thread, piece["state"]
        sums[key] = sums.get(key, 0) + piece["duration_ns"]
    for thread in trace.threads:
        number = thread["thread"]
        check(edge.get(number, thread["end_ns"]) == thread["end_ns"],
              f"thread {number}: its last slice does not end with it")
        for state in STATES:
            check(sums.get((number, state), 0) == thread[state + "_ns"],
                  f"I0: thread {number}, {state}: slices sum to {sums.get((number, state), 0)}, "
                  f"the total is {thread[state + '_ns']}")
        check(sums.get((number, "futex"), 0) == trace.wait_of(thread),
              f"I0: thread {number}: futex slices do not sum to its futex columns")


def sweep(trace):
    """T_k: wall time with k target threads running, from the slices."""
    edges = []
    for piece in trace.slices:
        if piece["state"] == "running":
            edges.append((piece["start_ns"], 1))
            edges.append((piece["start_ns"] + piece["duration_ns"], -1))
    edges.sort()
    times, running, at = {}, 0, trace.start_ns
    for moment, change in edges + [(trace.end_ns, 0)]:
        times[running] = times.get(running, 0) + moment - at
        running += change
        at = moment
    return {count: ns for count, ns in times.items() if ns}


def verify_parallel(trace):
    """I2 and I3 from the slices, and parallel.csv against them."""
    times = sweep(trace)
    cpu = sum(thread["running_ns"] for thread in trace.threads)
    wall = trace.end_ns - trace.start_ns
    weighted = sum(count * ns for count, ns in times.items())
    check(weighted == cpu, f"I2: sum of k T_k is {weighted}, CPU {cpu}")
    overlap = sum((count - 1) * ns for count, ns in times.items() if count > 1)
    check(wall == times.get(0, 0) + cpu - overlap, "I3: wall is not gap + CPU - overlap")
    table = {row["running"]: row["wall_ns"] for row in trace.parallel
             if not row["phase"] and row["wall_ns"]}
    check(table == times, f"parallel.csv says {table}, the slices {times}")
