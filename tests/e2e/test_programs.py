#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Real programs whose locks are known: the contended one is named, by its symbol or by who asks for
it; idle workers are never called contended; and next to no wait stays without a class. All run on
this machine alone, for seconds, each started and ended by its case.
"""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import harness
from harness import MS, Skip, case, check, record, timely, watch
from postgres import Postgres

SOURCES = os.path.join(harness.TOP, "tests", "e2e", "workloads")


def needs(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")


def share(trace, rows):
    """Of all time in futex waits, in percent."""
    total = sum(row["wait_ns"] for row in trace.locks)
    return 100 * sum(row["wait_ns"] for row in rows) / total if total else 0


def check_classified(trace, explained=()):
    """At most 5 % of the time in futex waits has no class, but for explained evidence."""
    rest = [row for row in trace.locks
            if row["state"] == "futex" and not row["evidence"].startswith(explained or "-")]
    check(share(trace, rest) <= 5,
          f"{share(trace, rest):.1f} % of the wait time has no class: {names(rest)}")
    return f"{share(trace, rest):.1f} % without a class"


def names(rows):
    return sorted({(row["kind"], row["state"], row["name"]) for row in rows})


def contended(trace):
    """Rows of contention, the worst first."""
    return sorted((row for row in trace.locks if row["state"] == "lock"),
                  key=lambda row: -row["wait_ns"])


def check_idle(rows, what, part=0.0):
    """None of them waited for a lock for more than a part of its life."""
    check(rows, f"no {what} among the threads")
    for row in rows:
        check(row["lock_ns"] <= part * row["lifetime_ns"],
              f"idle, yet {row['comm']} waited {row['lock_ns']} ns for locks")


@contextlib.contextmanager
def server(port, *argv):
    """A server at a port of the loopback interface, killed at the end."""
    process = subprocess.Popen(argv, cwd=harness.folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers():
        check(process.poll() is None, f"{argv[0]} ended with status {process.returncode}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        harness.wait_until(answers, f"{argv[0]} listens")
        yield process.pid
    finally:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def client(process):
    """A client that loads a server meanwhile."""
    try:
        yield
    finally:
        process.kill()
        process.communicate()


# All that takes PostgreSQL's locks, by the functions that a distribution leaves names to. Setting
# the state of a transaction together with others has none of its own, as a static function.
POSTGRES_LOCK = re.compile(
    r"semaphore in ("
    r"(LWLock(Acquire|AcquireOrWait|WaitForVar)|ProcArrayEndTransaction)\(\) of postgres|"
    r"postgres\+0x[0-9a-f]+ below TransactionIdSetTreeStatus\(\))")


@case
def postgres_under_pgbench_waits_for_its_lwlocks():
    """Eight clients add to one table: its last page and the log are fought for, and the processes
    that only stand by are not."""
    with Postgres() as postgres:
        postgres.call("createdb", "bench")
        postgres.rows("bench", "CREATE UNLOGGED TABLE hot (number int)")
        script = os.path.join(postgres.place, "hot.sql")
        with open(script, "w", encoding="ascii") as file:
            file.write("INSERT INTO hot VALUES (1);\n")
        load = ("pgbench", "-n", "-c", "8", "-j", "2", "-T", "20", "-f", script, "bench")
        with client(postgres.start(*load)):
            harness.wait_until(lambda: len(harness.children(postgres.pid)) >= 12, "8 clients")
            busy = watch([postgres.pid], "2", name="busy")
        harness.wait_until(lambda: len(harness.children(postgres.pid)) < 8, "the clients left")
        idle = watch([postgres.pid], "0.5", name="idle")
    locks = contended(busy)
    check(locks, "nothing was fought for")
    for row in locks:
        check(row["kind"] == "semaphore" and POSTGRES_LOCK.fullmatch(row["name"]),
              f"{names(locks)}")
    check(any("LWLock" in row["name"] for row in locks), f"no LWLock: {names(locks)}")
    # The stack of a word is seen once, at its first wait: now and then it ends before the call.
    timely(share(busy, locks) > 90, f"lock waits are {share(busy, locks):.1f} % only: "
           f"{names(busy.locks)}")
    check_idle(idle.threads, "process")
    return f"{check_classified(busy)}, lock waits {share(busy, locks):.1f} %"


@case
def redis_with_io_threads_has_no_contention():
    """Its I/O threads spin while there is work, and are parked on a mutex each while there is not.
    """
    needs("redis-server", "redis-benchmark")
    port = free_port()
    with server(port, "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                "--io-threads", "3", "--io-threads-do-reads", "yes") as pid:
        parked = lambda: all(state_of(tid).startswith("S") for tid in io_threads(pid))
        harness.wait_until(parked, "the I/O threads are parked")
        idle = watch([pid], "0.5", name="idle")
        load = harness.start(["redis-benchmark", "-p", str(port), "-t", "set,get", "-c", "50", "-n",
                              "100000000", "-P", "16", "-q"])
        with client(load):
            time.sleep(0.3)
            busy = watch([pid], "1.5", name="busy")
    check_idle(idle.threads, "thread")
    mutexes = [row for row in idle.locks if row["kind"] == "mutex"]
    check(len(mutexes) == 2 and all("'io_threads_mutex'" in row["name"] for row in mutexes),
          f"2 parked threads wait for {names(mutexes)}")
    check_classified(idle, ("never-free",))
    check_idle([row for row in busy.threads if row["comm"].startswith("bio_")], "background thread")
    check(sum(row["running_ns"] for row in busy.threads) > 100 * MS, "it was not under load")
    return check_classified(busy, ("never-free",))


def io_threads(pid):
    found = []
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as file:
            if file.read().startswith("io_thd"):
                found.append(int(tid))
    return found


def state_of(tid):
    with open(f"/proc/{tid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].strip()


@case
def memcached_at_rest_and_at_work():
    needs("memcached")
    port = free_port()
    with server(port, "memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", str(port), "-U", "0",
                "-t", "4") as pid:
        idle = watch([pid], "0.5", name="idle")
        stop = threading.Event()
        clients = [threading.Thread(target=fetch, args=(port, stop)) for _ in range(4)]
        for one in clients:
            one.start()
        try:
            busy = watch([pid], "1", name="busy")
        finally:
            stop.set()
            for one in clients:
                one.join()
    check_idle(idle.threads, "thread")
    keepers = [row for row in busy.threads
               if row["comm"] in ("mc-log", "mc-assocmaint", "mc-itemcrawler", "mc-slabmaint")]
    check_idle(keepers, "housekeeper")
    check(sum(row["running_ns"] for row in busy.threads) > 10 * MS, "it was not under load")
    check_classified(idle)
    return check_classified(busy)


def fetch(port, stop):
    with socket.create_connection(("127.0.0.1", port)) as link:
        while not stop.is_set():
            link.sendall(b"set key 0 0 5\r\nvalue\r\nget key\r\n")
            link.recv(4096)


@case
def go_keeps_its_mutexes_from_the_kernel():
    """The kernel sees threads of the runtime without work: no lock of theirs is made up."""
    needs("go")
    program = os.path.join(harness.folder, "sync")
    environment = dict(os.environ, HOME=harness.folder, GOFLAGS="-mod=mod", GO111MODULE="off")
    made = harness.call("go", "build", "-o", program, os.path.join(SOURCES, "sync.go"),
                        env=environment, timeout=200)
    check(made.status == 0, made.stderr)
    _, trace = record(program)
    check(share(trace, contended(trace)) < 5, f"contended: {names(contended(trace))}")
    check(any("runtime." in row["name"] for row in trace.locks), f"{names(trace.locks)}")
    return check_classified(trace)


@case
def stress_ng_fights_for_one_mutex():
    needs("stress-ng")
    _, trace = record("stress-ng", "--mutex", "1", "--timeout", "1")
    worst = contended(trace)[0]
    check(worst["kind"] in ("mutex", "pi") and "in stress-ng" in worst["name"], f"{worst}")
    check(worst["waiters"] >= 2 and share(trace, [worst]) > 90,
          f"{worst['waiters']} waiters, {share(trace, [worst]):.1f} % of the wait time")
    return check_classified(trace)


@case
def stress_ng_uses_a_futex_of_no_kind():
    """It calls the kernel itself, on a word of shared memory: nothing tells what that is for. Such
    a wait is never taken for contention, and the word's place is said."""
    needs("stress-ng")
    _, trace = record("stress-ng", "--futex", "1", "--timeout", "1")
    check_idle(trace.threads, "thread")
    check(any(row["state"] == "futex" and "(shared)" in row["name"] for row in trace.locks),
          f"{names(trace.locks)}")
    return check_classified(trace, ("unclassified",))


@case
def sysbench_fights_for_its_mutex():
    """Joins and the start line of its threads are no contention."""
    needs("sysbench")
    _, trace = record("sysbench", "mutex", "--threads=4", "--mutex-num=1", "--mutex-locks=1000000",
                      "--mutex-loops=0", "run")
    locks = contended(trace)
    check(locks and locks[0]["kind"] == "mutex" and " sysbench" in locks[0]["name"],
          f"{names(trace.locks)}")
    check(len({row["name"] for row in locks}) <= 2, f"contended: {names(locks)}")
    main = [row for row in trace.threads if row["tid"] == row["pid"]]
    joins = [row for row in trace.locks if row["kind"] == "join"]
    check(joins and all(row["state"] == "join" for row in joins), f"{names(trace.locks)}")
    check(main[0]["lock_ns"] <= main[0]["join_ns"], "joining is called contention")
    return f"{check_classified(trace)}, mutex {share(trace, [locks[0]]):.1f} %"


harness.main()
