#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Who had the lock while others waited: against what the workload's threads say of themselves."""

import os
import shutil

import harness
from harness import MS, Skip, case, check, near, record, timely, workload

LEARN_NS = 100 * MS
RIGHT = 0.95  # of the time in which the workload says who had the lock


def findings_of(trace):
    import json

    result = harness.convoy("report", trace.path, "--format", "json")
    check(result.status == 0, result.stderr)
    return {row["id"]: row for row in json.loads(result.stdout)["findings"]}, result


def true_edges(result, trace, lock):
    """Time of each (waiter, holder) by the workload's own clock."""
    holds = [hold for hold in result.truth.all("hold") if hold["lock"] == lock]
    numbers = {row["tid"]: row["thread"] for row in trace.threads}
    locks = {row["lock"] for row in trace.locks_at(lock, size=1)}
    check(locks, "the lock is not in locks.csv")
    sums = {}
    for wait in trace.waits:
        if wait["lock"] not in locks:
            continue
        begin, end = wait["start_ns"], wait["start_ns"] + wait["duration_ns"]
        for hold in holds:
            both = min(end, hold["to"]) - max(begin, hold["from"])
            if both > 0:
                key = (wait["thread"], numbers[hold["tid"]])
                sums[key] = sums.get(key, 0) + both
    return sums, locks


def check_edges(result, trace, lock):
    """The share of the waits that is charged to the right holder."""
    truth, locks = true_edges(result, trace, lock)
    measured = {}
    for edge in trace.table("edges"):
        if edge["lock"] in locks and edge["holder"]:
            key = (edge["waiter"], edge["holder"])
            measured[key] = measured.get(key, 0) + edge["wait_ns"]
    total = sum(truth.values())
    timely(total > 50 * MS, f"only {total} ns of waiting behind a holder")
    right = sum(min(time, measured.get(key, 0)) for key, time in truth.items())
    timely(right >= RIGHT * total, f"{right / total:.3f} of the waits have their true holder")
    return right / total


def check_begins(result, trace, lock):
    """The share of the waits at whose begin the holder was read, and rightly."""
    holds = [hold for hold in result.truth.all("hold") if hold["lock"] == lock]
    tids = {row["thread"]: row["tid"] for row in trace.threads}
    locks = {row["lock"] for row in trace.locks_at(lock, size=1)}
    known = right = 0
    for wait in trace.waits:
        there = {hold["tid"] for hold in holds if hold["from"] < wait["start_ns"] < hold["to"]}
        if wait["lock"] in locks and there:
            known += 1
            right += tids.get(wait["holder"]) in there
    timely(right >= RIGHT * known, f"{right} of {known} waits have their true holder")
    return right / max(known, 1)


def played(*arguments):
    result, trace = record(workload("w_holders"), *arguments)
    lock = result.truth.all("hold")[0]["lock"]
    return result, trace, lock


@case
def a_mutex_has_its_true_holders():
    result, trace, lock = played("--threads", "4", "--rounds", "15")
    begins = check_begins(result, trace, lock)
    return f"{check_edges(result, trace, lock):.1%} of the time, {begins:.1%} of the waits"


@case
def a_chain_is_followed_lock_by_lock():
    result, trace = record(workload("w_holders"), "--chain")
    rows = {row["role"]: trace.thread(row["tid"])["thread"] for row in result.truth.threads()}
    edges = {}
    for edge in trace.table("edges"):
        key = (edge["waiter"], edge["holder"])
        edges[key] = edges.get(key, 0) + edge["wait_ns"]
    near(edges.get((rows["middle"], rows["last"]), 0), 180 * MS, 0.05, 5 * MS,
         "the middle waited for the last")
    near(edges.get((rows["first"], rows["middle"]), 0), 160 * MS, 0.05, 5 * MS,
         "the first waited for the middle")
    check((rows["first"], rows["last"]) not in edges, "the first did not wait for the last")


@case
def a_preempted_holder_is_named():
    result, trace, lock = played("--busy", "--threads", "3", "--rounds", "10")
    check_edges(result, trace, lock)
    row = trace.locks_at(lock, size=1)[0]
    # Beside one that spins on the same CPU, a holder runs half of the time.
    timely(row["holder_ready_ns"] > 0.25 * row["wait_ns"],
           f"ready for {row['holder_ready_ns']} of {row['wait_ns']} ns")
    found, _ = findings_of(trace)
    timely("holder-preempted" in found, f"found only {sorted(found)}")
    return f"{row['holder_ready_ns'] / row['wait_ns']:.0%} of the wait"


@case
def a_holder_that_sleeps_is_named_with_its_call():
    result, trace, lock = played("--sleeps", "--threads", "3", "--rounds", "10")
    check_edges(result, trace, lock)
    row = trace.locks_at(lock, size=1)[0]
    timely(row["holder_blocked_ns"] > 0.75 * row["wait_ns"],
           f"blocked for {row['holder_blocked_ns']} of {row['wait_ns']} ns")
    found, _ = findings_of(trace)
    timely("holder-blocked" in found, f"found only {sorted(found)}")
    check("nanosleep" in found["holder-blocked"]["says"], found["holder-blocked"]["says"])


@case
def a_convoy_of_eight_is_one():
    result, trace, lock = played("--threads", "8", "--rounds", "25", "--hold-us", "1000",
                                 "--sleeps")
    check_edges(result, trace, lock)
    row = trace.locks_at(lock, size=1)[0]
    handoffs = [line for line in trace.table("handoffs") if line["lock"] == row["lock"]]
    check(len(handoffs) == row["handoffs"], "handoffs.csv and locks.csv differ")
    holds = len(result.truth.all("hold"))
    check(0.8 * holds <= len(handoffs) <= holds, f"{len(handoffs)} hand-offs of {holds} holds")
    check(all(line["from"] != line["to"] and
              line["request_ns"] <= line["wake_ns"] <= line["run_ns"] for line in handoffs),
          "a hand-off out of order, or to oneself")
    found, _ = findings_of(trace)
    timely("lock-convoy" in found, f"found only {sorted(found)}")
    return f"{len(handoffs)} hand-offs of {holds} holds"


@case
def a_writer_behind_readers_is_starved():
    result, trace = record(workload("w_holders"), "--rwlock")
    writer = result.truth.threads("writer")[0]
    timely(writer["wait_ns"] > 80 * MS, "the readers did not overlap: the machine is too busy")
    found, _ = findings_of(trace)
    timely("writer-starves" in found, f"found only {sorted(found)}")


COUNT = """
import threading, time
def count():
    end = time.monotonic() + 1
    while time.monotonic() < end:
        for _ in range(1000):
            pass
threads = [threading.Thread(target=count) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@case
def a_gil_has_exact_holders():
    python = shutil.which("python3")
    if not python:
        raise Skip("no python3")
    path = os.path.join(harness.folder, "count.py")
    with open(path, "w", encoding="ascii") as file:
        file.write(COUNT)
    _, trace = record(os.path.realpath(python), path)
    gils = {row["lock"] for row in trace.locks if row["kind"] == "gil"}
    if not gils:
        raise Skip(f"{python} has no GIL that was waited for")
    # Where the GIL lies is looked up when it is first waited for: until then nothing is read.
    known_ns = min(wait["start_ns"] for wait in trace.waits if wait["lock"] in gils) + LEARN_NS
    early = {(wait["thread"], wait["episode"]) for wait in trace.waits
             if wait["lock"] in gils and wait["start_ns"] < known_ns}
    # The holder itself waits for the GIL's mutex while it lets go: only who waits on the condition
    # waits for the GIL of somebody else.
    meant = {(wait["thread"], wait["episode"]) for wait in trace.waits
             if wait["lock"] in gils and wait["op"] == "wait_bitset"} - early
    episodes, exact = set(), set()
    for wait in trace.waits:
        if wait["lock"] in gils and (wait["thread"], wait["episode"]) in meant:
            key = (wait["thread"], wait["episode"])
            episodes.add(key)
            if wait["holder"] and wait["mark"] == "exact":
                exact.add(key)
    waits = sum(edge["wait_ns"] for edge in trace.table("edges") if edge["lock"] in gils)
    known = sum(edge["wait_ns"] for edge in trace.table("edges")
                if edge["lock"] in gils and edge["mark"] == "exact")
    check(len(episodes) > 10, f"only {len(episodes)} episodes")
    timely(len(exact) >= 0.99 * len(episodes),
           f"{len(exact)} of {len(episodes)} are exact")
    found, _ = findings_of(trace)
    check("holder-native" not in found, "a loop of bytecode is called native code")
    return f"{len(exact)} of {len(episodes)} episodes, {known / waits:.1%} of the time"


harness.main()
