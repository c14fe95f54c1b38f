#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Writes the situations of this folder: small traces whose sums hold, and the findings they must
lead to. A situation is a few lines below; run this after changing one, and read what changed."""

import collections
import csv
import json
import os
import re
import shutil
import sys

MS = 1000000
START = 1000 * MS
STATES = {"r": "running", "p": "preempted", "q": "queued", "f": "futex", "i": "io",
          "k": "kernel", "s": "sleep"}
CLASSES = ["lock", "condition", "join", "futex"]
THREADS = ("thread,pid,tid,ppid,comm,name,start_ns,end_ns,lifetime_ns,running_ns,preempted_ns,"
           "queued_ns,lock_ns,condition_ns,join_ns,futex_ns,io_ns,kernel_ns,sleep_ns,stopped_ns,"
           "unknown_ns,voluntary_switches,involuntary_switches,yields,migrations,kernel_run_ns,"
           "kernel_wait_ns,slices_lost")
LOCKS = ("lock,pid,address,kind,state,name,evidence,episodes,waits,timeouts,wait_ns,min_ns,p50_ns,"
         "p90_ns,p99_ns,max_ns,waiters,handoffs,dead_ns,lost_ns,holder_running_ns,holder_ready_ns,"
         "holder_blocked_ns,holder_unknown_ns")
SLICES = "start_ns,duration_ns,thread,pid,tid,state,cpu,syscall,lock,waker"
WAITS = "start_ns,duration_ns,thread,lock,op,result,episode,holder,mark,waker"
EDGES = "waiter,holder,lock,mark,episodes,wait_ns"
LOSS = ["slice_ring", "life_ring", "storage", "dead_full", "uses_full", "clock_back", "unmatched",
        "compat", "turns_ring"]


Part = collections.namedtuple("Part", "state extra waker time holder result")


class Thread:
    """A life in words: "r10" runs 10 ms, "p" preempted, "q" queued, "f1" waits for lock 1, "i" I/O,
    "k" in the kernel, "s232" sleeps in system call 232; "f1<2" is ended by a release of thread 2,
    "f1@3" found the lock in the hands of thread 3, "f1@3!" and timed out, "f1@3?" and was cut
    by the end. Times in ms stand behind a colon where there is a number before: "f1<2:10"; "begin"
    is when it is born."""

    def __init__(self, name, life, begin=0, yields=0):
        self.name, self.yields, self.begin = name, yields, begin
        self.slices = [self.part(word) for word in life.split()]

    @staticmethod
    def part(word):
        what, _, time = word.rpartition(":") if ":" in word else (word[0], "", word[1:])
        number, holder, result, waker = re.fullmatch(
            r"(\d*)(?:@(\d+))?([!?]?)(?:<(\d+))?", what[1:]).groups()
        return Part(STATES[what[0]], int(number or 0), int(waker or 0), round(float(time) * MS),
                    int(holder or 0), {"!": "timed out", "?": ""}.get(result, "woken"))


def write_csv(path, header, rows):
    columns = header.split(",")
    with open(path, "w", newline="", encoding="ascii") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([row.get(column, "") for column in columns])


def write_meta(path, threads, end, options):
    meta = {"schema": 1, "version": "0.1.0", "kind": "run", "mode": "default",
            "command": ["./server"], "kernel": "6.1.0", "arch": "x86_64", "interpreter": "",
            "variant": "", "baseline": "", "round": 0, "count": 0, "uid": 1000, "cpus_online": 2,
            "root_pid": 100, "exit_status": 0, "start_ns": START, "end_ns": end,
            "realtime_offset_ns": 0, "boottime_offset_ns": 0, "complete": True, "truncated": False,
            "interrupted": False, "slices_produced": sum(len(t.slices) for t in threads),
            "slices_lost": 0, "recursion_misses": 0, "steal_ns": None, "others_run_ns": None,
            "own_cpu_ns": 1 * MS, "bpf_run_ns": None, "bpf_memory_bytes": 4096, "missing": [],
            "left_behind": [], "phases": [], "quota": None,
            "usable_cpus": [{"from_ns": START, "cpus": 2}],
            "calibration": {"before_ns": None, "after_ns": None, "cpus": 0},
            "loss": {name: 0 for name in LOSS},
            "residuals_ns": {f"I{number}": 0 for number in range(8)},
            "constants": {"episode_gap_ns": 100000},
            "own_run_ns": [None] * len(threads), "own_wait_ns": [None] * len(threads)}
    meta.update(options)
    with open(os.path.join(path, "meta.json"), "w", encoding="ascii") as file:
        json.dump(meta, file, indent=2)
        file.write("\n")


def slice_rows(number, thread):
    now = START + thread.begin * MS
    for state, extra, waker, time, holder, result in thread.slices:
        yield {"start_ns": now, "duration_ns": time, "thread": number, "pid": 100,
               "tid": 99 + number, "state": state, "cpu": 0 if state == "running" else "",
               "syscall": {"futex": 202, "sleep": extra}.get(state, ""),
               "lock": extra if state == "futex" else "", "waker": waker or "",
               "holder": holder or "", "result": result}
        now += time


def thread_row(number, thread, locks):
    total = {name: 0 for name in STATES.values()}
    classes = {name: 0 for name in CLASSES}
    for state, extra, _, time, _, _ in thread.slices:
        total[state] += time
        if state == "futex":
            classes[locks[extra - 1][1]] += time
    begin, life = START + thread.begin * MS, sum(total.values())
    row = {"thread": number, "pid": 100, "tid": 99 + number, "ppid": 1, "comm": thread.name,
           "start_ns": begin, "end_ns": begin + life, "lifetime_ns": life, "stopped_ns": 0,
           "unknown_ns": 0, "voluntary_switches": 0, "involuntary_switches": 0,
           "yields": thread.yields, "migrations": 0, "slices_lost": 0}
    row.update({f"{name}_ns": time for name, time in total.items() if name != "futex"})
    row.update({f"{name}_ns": time for name, time in classes.items()})
    return row


def lock_row(number, lock, waits):
    kind, state, name, evidence = (*lock, "by hand")[:4]
    times = [wait["duration_ns"] for wait in waits if wait["lock"] == number]
    return {"lock": number, "pid": 100, "address": hex(0x1000 * number), "kind": kind,
            "state": state, "name": name, "evidence": evidence, "waits": len(times),
            "timeouts": sum(wait["result"] == "timed out" for wait in waits
                            if wait["lock"] == number),
            "wait_ns": sum(times), "min_ns": min(times, default=""),
            "max_ns": max(times, default="")}


def edge_rows(waits):
    sums = {}
    for wait in waits:
        key = (wait["thread"], wait["lock"])
        sums[key] = sums.get(key, 0) + wait["duration_ns"]
    return [{"waiter": key[0], "lock": key[1], "mark": "unknown", "wait_ns": sums[key]}
            for key in sorted(sums)]


def write_trace(path, threads, locks=(), **options):
    os.makedirs(path)
    rows = sorted((row for number, thread in enumerate(threads, 1)
                   for row in slice_rows(number, thread)),
                  key=lambda row: (row["start_ns"], row["thread"]))
    waits = [{"start_ns": row["start_ns"], "duration_ns": row["duration_ns"],
              "thread": row["thread"], "lock": row["lock"], "op": "wait",
              "result": row["result"], "episode": 1, "holder": row["holder"],
              "mark": "exact" if row["holder"] else "", "waker": row["waker"]}
             for row in rows if row["state"] == "futex"]
    end = max((row["start_ns"] + row["duration_ns"] for row in rows), default=START + 100 * MS)
    write_meta(path, threads, end, options)
    write_csv(f"{path}/threads.csv", THREADS,
              [thread_row(number, thread, locks) for number, thread in enumerate(threads, 1)])
    write_csv(f"{path}/locks.csv", LOCKS,
              [lock_row(number, lock, waits) for number, lock in enumerate(locks, 1)])
    write_csv(f"{path}/slices.csv", SLICES, rows)
    write_csv(f"{path}/waits.csv", WAITS, waits)
    write_csv(f"{path}/edges.csv", EDGES, edge_rows(waits))


def write_expect(name, expect):
    with open(f"{name}/expect", "w", encoding="ascii") as file:
        file.write("".join(f"{word}\n" for word in expect.split()))


def situation(name, expect, threads, **options):
    """One trace. expect: ids of the findings, in their order."""
    write_trace(name, threads, **options)
    write_expect(name, expect)


def experiment(name, expect, **variants):
    """A countdown: each variant is a function from the round to (baseline, threads, options)."""
    for variant, make in variants.items():
        for number in (1, 2):
            baseline, threads, options = make(number)
            end = START + max(sum(part.time for part in thread.slices) for thread in threads)
            write_trace(f"{name}/{variant}/{number}", threads, kind="countdown", variant=variant,
                        baseline=baseline, round=number, count=1000,
                        interpreter="CPython 3.11.2",
                        phases=[{"name": "count", "begin_ns": START, "end_ns": end}], **options)
    write_expect(name, expect)


MUTEX = ("mutex", "lock", "queue_lock in server")
INTERNAL = ("mutex", "lock", "JVM-internal mutex in f() of libjvm.so", "java-internal: f")
GIL = ("gil", "lock", "GIL")
RWLOCK_WRITTEN = ("rwlock", "lock", "table in server", "call-rwlock: pthread_rwlock_wrlock")
RWLOCK_READ = ("rwlock", "lock", "table in server", "call-rwlock: pthread_rwlock_rdlock")
CONDITION = ("condition", "condition", "work_ready in server")
BARRIER = ("barrier", "condition", "step in server")
JOIN = ("join", "join", "join of thread 101")
CPU_1 = {"usable_cpus": [{"from_ns": START, "cpus": 1}]}


def busy_threads():
    return [Thread("a", "r100"), Thread("b", "r100")]


def lock_situations():
    busy = busy_threads()
    turns_a, turns_b = "r10 f1:10 " * 5, "f1:10 r10 " * 5
    situation("lock-serialises-speaks", "lock-serialises",
              [Thread("a", turns_a), Thread("b", turns_b)], locks=[MUTEX])
    situation("lock-serialises-silent", "cpus-busy",
              [Thread("a", "r95 f1:5"), Thread("b", "r100")], locks=[MUTEX])
    situation("lock-contention-speaks", "lock-contention",
              [Thread("a", "r100"), Thread("b", "r70 f1:30")], locks=[MUTEX])
    # The same waits for work instead of a lock: never contention.
    situation("lock-contention-silent", "no-lock-wait",
              [Thread("a", "r100"), Thread("b", "r75 f1:25")], locks=[CONDITION])

    handed = "r10 " + "f1<2:10 q1 r9 " * 4
    waiting = "f1<1:10 q1 r9 " * 4 + "f1:10"
    situation("hand-offs-speaks", "lock-serialises hand-offs",
              [Thread("a", handed), Thread("b", waiting)], locks=[MUTEX])
    # Queued after no release: that is waiting for a CPU, and nobody ran for as long.
    situation("hand-offs-silent", "single-threaded waiting-for-cpu",
              [Thread("a", "r45 q10 r45")], locks=[])

    situation("yields-speaks", "cpus-busy yields no-lock-wait",
              [Thread("a", "r100", yields=5000), Thread("b", "r100", yields=4000)])
    situation("yields-silent", "cpus-busy no-lock-wait",
              [Thread("a", "r100", yields=50), Thread("b", "r100", yields=40)])
    situation("no-lock-wait-speaks", "cpus-busy no-lock-wait", busy)
    short = [Thread("a", "r97 f1:3"), Thread("b", "r100")]
    situation("no-lock-wait-silent", "cpus-busy", short, locks=[MUTEX])
    # What a JVM does inside is worth a word only if it costs a lot.
    situation("no-lock-wait-of-its-own", "cpus-busy no-lock-wait", short, locks=[INTERNAL])
    situation("lock-contention-inside", "lock-contention",
              [Thread("a", "r100"), Thread("b", "r70 f1:30")], locks=[INTERNAL])


def holder_situations():
    waits = Thread("b", "r5 f1@1<1:90 r5")
    situation("holder-preempted-speaks", "lock-serialises holder-preempted waiting-for-cpu",
              [Thread("a", "r10 p40 r50"), waits], locks=[MUTEX])
    situation("holder-preempted-silent", "lock-serialises",
              [Thread("a", "r91 p4 r5"), waits], locks=[MUTEX])
    situation("holder-blocked-speaks", "lock-serialises holder-blocked little-parallel-work",
              [Thread("a", "r10 s35:40 r50"), waits], locks=[MUTEX])
    # It sleeps before the other wants the lock: nobody waits for that.
    situation("holder-blocked-silent", "little-parallel-work lock-serialises",
              [Thread("a", "r5 s35:50 r45"), Thread("b", "r60 f1@1<1:35 r5")], locks=[MUTEX])

    deaf = Thread("b", "r5 f1@1!:5 f1@1!:5 f1@1!:5 f1@1<1:35 r45")
    situation("holder-native-speaks", "lock-serialises holder-native",
              [Thread("a", "r55 f1@2:45"), deaf], locks=[GIL])
    # Once, for 15 ms: the host may have taken the holder's CPU.
    once = Thread("b", "r5 f1@1!:5 f1@1!:5 f1@1<1:5 r80")
    situation("holder-native-once", "lock-serialises",
              [Thread("a", "r20 f1@2:80"), once], locks=[GIL])
    polite = Thread("b", "r5 " + "f1@1!:5 f1@1<1:5 r10 " * 4 + "r15")
    situation("holder-native-silent", "lock-serialises",
              [Thread("a", "r15 " + "f1@2<2:10 r10 " * 4 + "r5"), polite], locks=[GIL])

    def ring(count, turn, rest):
        cycle = count * turn
        wait = cycle - turn - rest
        for number in range(count):
            before, after = (number - 1) % count + 1, (number + 1) % count + 1
            sleep = f"s35:{rest} " if rest else ""
            yield Thread(f"t{number}", f"s35:{1 + number * turn} "
                         + f"r{turn} {sleep}f1@{after}<{before}:{wait} " * 7
                         + f"r{1 + (count - number) * turn}")

    situation("lock-convoy-speaks", "lock-serialises lock-convoy",
              list(ring(4, 2, 0)), locks=[MUTEX])
    situation("lock-convoy-silent", "lock-serialises little-parallel-work",
              list(ring(3, 2, 1)), locks=[MUTEX])

    readers = [Thread("reader", "r50 s35:50"), Thread("reader", "s35:50 r50")]
    writer = Thread("writer", "r5 f1<2:60 r35")
    situation("writer-starves-speaks", "writer-starves lock-serialises",
              [writer] + readers, locks=[RWLOCK_WRITTEN])
    situation("writer-starves-silent", "lock-serialises",
              [writer] + readers, locks=[RWLOCK_READ])


def stuck_situations():
    first, second = (("mutex", "futex", f"{name} in server", "never-free")
                     for name in ("first", "second"))
    situation("deadlock-speaks", "deadlock",
              [Thread("a", "f1@2?:100"), Thread("b", "f2@1?:100"), Thread("c", "f1@2?:100")],
              locks=[first, second])
    # The same in a running program, with a third in the circle.
    situation("deadlock-in-a-run", "deadlock holder-blocked lock-contention",
              [Thread("a", "r5 f1@2?:95"), Thread("b", "r6 f2@3?:94"), Thread("c", "r40 f3@1?:60")],
              locks=[("mutex", "lock", f"{name} in server")
                     for name in ("first", "second", "third")])
    # Each waited for the other, but one after the other.
    situation("deadlock-silent", "lock-serialises",
              [Thread("a", "f1@2<2:50 r50"), Thread("b", "r50 f2@1?:50")],
              locks=[MUTEX, ("mutex", "lock", "second in server")])
    situation("never-let-go-speaks", "never-let-go",
              [Thread("a", "f1@2?:100"), Thread("b", "s35:100"), Thread("c", "f1@2?:100")],
              locks=[first])
    situation("never-let-go-by-the-dead", "never-let-go lock-contention",
              [Thread("a", "r5 f1@2?:95"), Thread("b", "r10")], locks=[MUTEX])
    # Its holder moves, or nobody knows who it is.
    situation("never-let-go-silent", "single-threaded",
              [Thread("a", "f1@2?:100"), Thread("b", "r100"), Thread("c", "f2?:100")],
              locks=[first, second])


def cpu_situations():
    busy = busy_threads()
    situation("one-cpu-speaks", "one-cpu no-lock-wait",
              [Thread("a", "r10 p10 " * 5), Thread("b", "q10 r10 " * 4 + "q10 r10")],
              **CPU_1)
    situation("one-cpu-silent", "nothing-stood-out",
              [Thread("a", "r100"), Thread("idle", "s232:100")], **CPU_1)
    quota = {"cpus": 0.5, "throttled_count": 10, "throttled_ns": 40 * MS}
    situation("cpu-quota-speaks", "single-threaded cpu-quota", [Thread("a", "r25 p50 r25")],
              quota=quota)
    situation("cpu-quota-silent", "cpus-busy no-lock-wait", busy,
              quota=dict(quota, throttled_count=0, throttled_ns=0))
    situation("others-on-machine-speaks", "others-on-machine no-lock-wait",
              [Thread("a", "r50 p50"), Thread("b", "r80 p20")], others_run_ns=60 * MS)
    situation("others-on-machine-silent", "waiting-for-cpu no-lock-wait",
              [Thread("a", "r50 p50"), Thread("b", "r80 p20")], others_run_ns=1 * MS)
    situation("waiting-for-cpu-speaks", "waiting-for-cpu no-lock-wait",
              [Thread("a", "r80 p20"), Thread("b", "r80 p20")])
    situation("waiting-for-cpu-silent", "cpus-busy no-lock-wait",
              [Thread("a", "r99 p1"), Thread("b", "r100")])
    three = [Thread("a", "r20 p10 r20 p10"), Thread("b", "p10 r20 p10 r20"),
             Thread("c", "r10 p10 r20 p10 r10")]
    situation("more-threads-than-cpus-speaks", "more-threads-than-cpus cpus-busy no-lock-wait",
              three)
    situation("more-threads-than-cpus-silent", "cpus-busy no-lock-wait", busy)


def work_situations():
    busy = busy_threads()
    situation("nothing-seen-speaks", "nothing-seen", [Thread("a", "s232:100")])
    situation("nothing-seen-silent", "single-threaded", [Thread("a", "r80 s232:20")])
    situation("single-threaded-speaks", "single-threaded",
              [Thread("main", "r100"), Thread("idle", "f1:100")], locks=[CONDITION])
    situation("single-threaded-silent", "little-parallel-work no-lock-wait",
              [Thread("main", "r100"), Thread("b", "r5 s232:95")])
    situation("little-parallel-work-speaks", "little-parallel-work no-lock-wait",
              [Thread("main", "r70 f1:30"), Thread("worker", "f1:70 r30")], locks=[CONDITION])
    # One at a time as well, but because of a lock: the others had something to do.
    situation("little-parallel-work-silent", "lock-serialises",
              [Thread("main", "r70 f1:30"), Thread("worker", "f1:70 r30")], locks=[MUTEX])
    situation("imbalance-speaks", "imbalance no-lock-wait",
              [Thread("a", "r100"), Thread("b", "r30 f1:70")], locks=[BARRIER])
    situation("imbalance-silent", "cpus-busy no-lock-wait",
              [Thread("a", "r100"), Thread("b", "r90 f1:10")], locks=[BARRIER])
    situation("imbalance-at-a-join", "imbalance no-lock-wait",
              [Thread("main", "f1:100 r1"), Thread("a", "r100"), Thread("b", "r20")], locks=[JOIN])
    situation("waiting-not-computing-speaks", "waiting-not-computing no-lock-wait",
              [Thread("a", "r5 s232:90 r5"), Thread("b", "r5 s232:90 r5")])
    situation("waiting-not-computing-silent", "no-lock-wait",
              [Thread("a", "r30 s232:40 r30"), Thread("b", "r30 s232:40 r30")])
    situation("cpus-busy-speaks", "cpus-busy no-lock-wait", busy)
    situation("cpus-busy-silent", "no-lock-wait",
              [Thread("a", "r100"), Thread("b", "r70 s232:30")])
    situation("nothing-stood-out-speaks", "nothing-stood-out",
              [Thread("a", "r100"), Thread("b", "r75 f1:25")],
              locks=[("unclassified", "futex", "futex 0x1000")])
    situation("nothing-stood-out-silent", "cpus-busy no-lock-wait", busy)


def serial(number):
    return "", [Thread("python3", f"r{99 + number}")], {}


def turns(slow, jitter, wait_state="f1<%d:5 "):
    """Two threads, one at a time, `slow` ms each turn for work of 5 ms."""
    def make(number):
        a = (f"r{slow} f1<2:{slow} " * 10).strip()
        b = (f"f1<1:{slow} r{slow} " * 10).strip()
        extra = f" r{number * jitter}" if jitter else ""
        return "serial", [Thread("one", a + extra), Thread("two", b)], {"locks": [GIL]}
    return make


def with_gap(number):
    a = "r5 f1<2:5 q1 " * 10 + f"r{number}"
    b = "f1<1:5 r5 s35:1 " * 10
    return "serial", [Thread("one", a), Thread("two", b)], {"locks": [GIL]}


def processes(number):
    return "serial", [Thread("one", f"r{50 + number}"), Thread("two", f"r{50 + number}")], {}


def experiment_situations():
    experiment("slower-speaks", "slower cpu-inflation", serial=serial, threads=turns(6, 1))
    experiment("slower-silent", "no-difference", serial=serial, threads=turns(5, 0.5))
    experiment("no-difference-speaks", "no-difference", serial=serial, threads=turns(5, 0.5))
    experiment("no-difference-silent", "faster", serial=serial, processes=processes)
    experiment("faster-speaks", "faster", serial=serial, processes=processes)
    experiment("faster-silent", "slower cpu-inflation", serial=serial, threads=turns(6, 1))
    experiment("cpu-inflation-speaks", "slower cpu-inflation", serial=serial, threads=turns(6, 1))
    experiment("cpu-inflation-silent", "slower gap", serial=serial, threads=with_gap)
    experiment("gap-speaks", "slower gap", serial=serial, threads=with_gap)
    experiment("gap-silent", "slower cpu-inflation", serial=serial, threads=turns(6, 1))
    experiment("nothing-compared-speaks", "nothing-compared", serial=serial)
    experiment("nothing-compared-silent", "faster", serial=serial, processes=processes)


def main():
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    for name in os.listdir("."):
        if os.path.isdir(name):
            shutil.rmtree(name)
    lock_situations()
    holder_situations()
    stuck_situations()
    cpu_situations()
    work_situations()
    experiment_situations()
    return 0


if __name__ == "__main__":
    sys.exit(main())
