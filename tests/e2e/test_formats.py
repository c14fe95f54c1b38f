#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The formats for other tools, read back by readers that are not ours: a Perfetto trace by protoc
and by a reader made from the wire format, folded stacks, JSON against its own schema; every number
is compared with the CSV files. On measured traces, and on those of tests/traces.
"""

import json
import os
import pty
import re
import resource
import shutil
import subprocess
import sys

import harness
import perfetto_wire
from harness import Skip, Trace, case, check, convoy, record, workload
from perfetto_wire import integral
from schemas import check_valid, validator

TRACES = os.path.join(harness.TOP, "tests", "traces")
CLASSES = ("lock", "condition", "join", "futex")
BLOCKED = ("io", "kernel", "sleep")
SLICE_BYTES = 24  # of a state: its begin and its end


def report(path, *options):
    result = convoy("report", path, *options)
    check(result.status == 0, f"status {result.status}\n{result.stderr}")
    return result


def perfetto_of(path):
    return report(path, "--format", "perfetto").raw_stdout


def situations():
    """Traces written by hand that are one run each."""
    yield os.path.join(harness.TOP, "tests", "golden", "trace")
    for name in sorted(os.listdir(TRACES)):
        path = os.path.join(TRACES, name)
        if os.path.exists(os.path.join(path, "meta.json")):
            yield path


def state_of(trace, piece):
    """A slice's name: futex is replaced by what its lock is."""
    if piece["state"] != "futex":
        return piece["state"]
    return trace.locks[piece["lock"] - 1]["state"] if piece["lock"] else "futex"


def thread_tracks(trace, drawn):
    """Number of the thread → number of its track, by pid, tid and first slice."""
    firsts = {}
    for piece in drawn.slices:
        firsts[piece.track] = min(firsts.get(piece.track, piece.begin_ns), piece.begin_ns)
    found = {}
    for thread in trace.threads:
        begin = min((piece["start_ns"] for piece in trace.slices
                     if piece["thread"] == thread["thread"]), default=None)
        for uuid, track in drawn.tracks.items():
            is_its = (track["kind"] == "thread" and track["tid"] == thread["tid"]
                      and track["pid"] == thread["pid"] and firsts.get(uuid) == begin)
            if begin is not None and is_its:
                found[thread["thread"]] = uuid
    return found


def verify_slices(trace, drawn):
    """Every slice of the file is there with its name, times and argument, and no other."""
    tracks = thread_tracks(trace, drawn)
    expected = sorted((tracks[piece["thread"]], piece["start_ns"],
                       piece["start_ns"] + piece["duration_ns"], state_of(trace, piece))
                      for piece in trace.slices)
    threads = set(tracks.values())
    found = sorted((piece.track, piece.begin_ns, piece.end_ns, piece.name)
                   for piece in drawn.slices if piece.track in threads)
    check(found == expected, f"{len(found)} slices drawn, {len(expected)} in slices.csv")
    check(all(piece.depth == 0 for piece in drawn.slices), "a state within another")
    calls = sum(1 for piece in trace.slices
                if piece["state"] in BLOCKED and piece["syscall"] is not None)
    check(sum("call" in piece.arguments for piece in drawn.slices) == calls, "calls are missing")


def verify_sums(trace, drawn):
    """Per thread and state what the columns of threads.csv say."""
    sums = {}
    for piece in drawn.slices:
        key = piece.track, piece.name
        sums[key] = sums.get(key, 0) + piece.end_ns - piece.begin_ns
    for number, track in thread_tracks(trace, drawn).items():
        row = trace.threads[number - 1]
        for column in [name for name in row if name.endswith("_ns")]:
            state = column[:-3]
            if (track, state) in sums or state in CLASSES + BLOCKED + ("running", "queued"):
                check(sums.get((track, state), 0) == row[column],
                      f"thread {number}, {state}: {sums.get((track, state), 0)} drawn, "
                      f"{row[column]} in threads.csv")


def verify_locks(trace, drawn):
    """Waits by the name in their argument; and the counter of waiters."""
    for lock in trace.locks:
        if not lock["wait_ns"] or not lock["name"]:
            continue
        named = [other for other in trace.locks if lock["name"] in other["name"]]
        total = sum(piece.end_ns - piece.begin_ns for piece in drawn.slices
                    if lock["name"] in piece.arguments.get("lock", ""))
        expected = sum(other["wait_ns"] for other in named)
        check(total == expected, f"waits for '{lock['name']}' sum to {total}, not {expected}")
    counters = [uuid for uuid, track in drawn.tracks.items()
                if track["kind"] == "counter" and track["name"].startswith("waiters: ")]
    contended = [lock for lock in trace.locks if lock["state"] == "lock" and lock["wait_ns"]]
    check(len(counters) == len(contended), f"{len(counters)} counters of waiters")
    check(sorted(integral(drawn.counters[uuid], trace.end_ns) for uuid in counters)
          == sorted(lock["wait_ns"] for lock in contended), "waiters do not sum to the waits")


def verify_running(trace, drawn):
    """The counter of threads running, against parallel.csv: I2 and T_k."""
    points = drawn.counter_named("threads running")
    check(points[0] == (trace.start_ns, 0), f"the counter begins with {points[0]}")
    cpu = sum(thread["running_ns"] for thread in trace.threads)
    check(integral(points, trace.end_ns) == cpu, "threads running do not sum to the CPU time")
    times = {}
    for (begin, value), (end, _) in zip(points, points[1:] + [(trace.end_ns, 0)]):
        times[value] = times.get(value, 0) + end - begin
    expected = {row["running"]: row["wall_ns"] for row in trace.parallel
                if not row["phase"] and row["wall_ns"]}
    found = {value: ns for value, ns in times.items() if ns}
    check(not trace.parallel or found == expected,
          f"threads running: {found}, parallel.csv {expected}")


def hand_offs(trace):
    """(waker, woken, when it was woken, when it ran) of every release that was followed to the
    end."""
    waits = {(row["start_ns"], row["thread"]): row for row in trace.waits}
    by_thread = {}
    for piece in trace.slices:
        by_thread.setdefault(piece["thread"], []).append(piece)
    for pieces in by_thread.values():
        for number, piece in enumerate(pieces):
            wait = waits.get((piece["start_ns"], piece["thread"]))
            if not wait or not released(trace, piece, wait):
                continue
            at, wake = number + 1, piece["start_ns"] + piece["duration_ns"]
            run = wake
            if at < len(pieces) and pieces[at]["state"] == "queued" and (
                    pieces[at]["start_ns"] == run):
                run, at = run + pieces[at]["duration_ns"], at + 1
            if at < len(pieces) and pieces[at]["state"] == "running" and (
                    pieces[at]["start_ns"] == run):
                yield piece["waker"], piece["thread"], wake, run


def released(trace, piece, wait):
    lock = trace.locks[piece["lock"] - 1] if piece["lock"] else None
    if not lock or lock["state"] != "lock" or lock["kind"] == "hand-over" or not piece["waker"]:
        return False
    return wait["result"] == "woken" or (not wait["result"] and wait["waker"] is not None)


def verify_arrows(trace, drawn):
    tracks = thread_tracks(trace, drawn)
    expected = sorted((tracks[waker], tracks[woken], wake, run)
                      for waker, woken, wake, run in hand_offs(trace))
    found = sorted((begin.track, end.track, begin.time_ns, end.time_ns)
                   for begin, end in drawn.arrows())
    check(found == expected, f"{len(found)} arrows drawn, {len(expected)} hand-offs")
    check(all(point.name == "release" for point in drawn.instants), "an instant that is none")
    return len(found)


def verify_names(trace, drawn):
    for number, uuid in thread_tracks(trace, drawn).items():
        row, track = trace.threads[number - 1], drawn.tracks[uuid]
        raw = harness.unescape(row["name"] or row["comm"])
        check(harness.unescape(track["name"]) == raw, f"{track['name']} is not {raw}")
    leader = [row for row in trace.threads if row["tid"] == trace.meta["root_pid"]]
    processes = [track for track in drawn.tracks.values() if track["kind"] == "process"]
    check({track["pid"] for track in processes} == {row["pid"] for row in trace.threads
                                                    if row["tid"] is not None}, "processes")
    for track in processes:
        mains = [row["comm"] for row in trace.threads if row["tid"] == track["pid"]]
        check(not mains or harness.unescape(track["name"]) in map(harness.unescape, mains),
              f"process {track['pid']} is called {track['name']}")
        if leader and track["pid"] == trace.meta["root_pid"]:
            check(track["command"] == trace.meta["command"], f"command {track['command']}")


def verify_clocks(trace, drawn):
    [clocks] = drawn.clocks
    check(clocks == {3: trace.start_ns, 6: trace.start_ns + trace.meta["boottime_offset_ns"],
                     1: trace.start_ns + trace.meta["realtime_offset_ns"]}, f"clocks {clocks}")


def verify_perfetto(trace):
    data = perfetto_of(trace.path)
    drawn = perfetto_wire.Trace(data)
    verify_clocks(trace, drawn)
    verify_slices(trace, drawn)
    verify_sums(trace, drawn)
    verify_locks(trace, drawn)
    verify_running(trace, drawn)
    verify_names(trace, drawn)
    arrows = verify_arrows(trace, drawn)
    return drawn, len(data), arrows


def measured(*argv, options=()):
    _, trace = record(*argv, options=options)
    return trace


@case
def perfetto_shows_what_the_files_say():
    count = 0
    for path in situations():
        verify_perfetto(Trace(path))
        count += 1
    check(count > 20, f"only {count} traces")
    return f"{count} traces by hand"


def verify_size(trace):
    drawn, size, arrows = verify_perfetto(trace)
    states = drawn.state_bytes / len(trace.slices)
    check(states <= SLICE_BYTES, f"{states:.1f} bytes a slice")
    return drawn, arrows, (f"{len(trace.slices)} slices, {arrows} arrows; {states:.1f} bytes a "
                           f"state, {size / len(trace.slices):.1f} with all else")


@case
def perfetto_of_a_lock_that_is_handed_on():
    drawn, arrows, figures = verify_size(
        measured(workload("w_mutex"), "--threads", "4", "--rounds", "100", "--hold-us", "300",
                 "--sleeps"))
    check(arrows > 20, f"{arrows} arrows")
    check(any("mutex" in piece.arguments.get("lock", "") for piece in drawn.slices), "no mutex")
    return figures


@case
def perfetto_of_many_short_slices_is_small():
    return verify_size(measured(workload("w_pingpong"), "--turns", "20000"))[2]


@case
def perfetto_of_processes_and_hostile_names():
    trace = measured(workload("w_names"), "--ms", "20")
    verify_perfetto(trace)
    trace = Trace(measured_as("forks", "sh", "-c", "true; (sleep 0.02); true | true").path)
    drawn, _, _ = verify_perfetto(trace)
    processes = [track for track in drawn.tracks.values() if track["kind"] == "process"]
    check(len(processes) >= 4, f"{len(processes)} processes")


def measured_as(name, *argv):
    _, trace = record(*argv, name=name)
    return trace


@case
def perfetto_is_read_by_protoc():
    if not shutil.which("protoc"):
        raise Skip("protoc is not installed")
    for path in situations():
        text = subprocess.run(["protoc", "--decode_raw"], input=perfetto_of(path), check=True,
                              capture_output=True).stdout.decode("ascii")
        trace = Trace(path)
        kinds = re.findall(r"^  11 \{\n    9: (\d)$", text, re.MULTILINE)
        phases = len(trace.meta["phases"])
        check(kinds.count("1") == kinds.count("2") == len(trace.slices) + phases,
              f"{path}: {kinds.count('1')} begins, {len(trace.slices)} slices")


@case
def perfetto_goes_to_no_terminal():
    path = next(situations())
    for argv in (["report", path], ["run"], ["attach", "-p", "1"]):
        leader, follower = pty.openpty()
        result = harness.call(harness.CONVOY, *argv, "--format", "perfetto",
                              *(["--", "true"] if argv == ["run"] else []),
                              stdout=follower, stderr=follower if argv == ["run"] else
                              subprocess.PIPE)
        os.close(follower)
        said = os.read(leader, 4096).decode() if argv == ["run"] else result.stderr
        os.close(leader)
        check(result.status == 2 and "binary" in said, f"{argv}: status {result.status}, {said}")


@case
def perfetto_of_a_run_goes_to_a_file():
    path = os.path.join(harness.folder, "trace.pftrace")
    result = convoy("run", "--report", path, "--format", "perfetto", "--", "sleep", "0.02")
    check(result.status == 0, result.stderr)
    with open(path, "rb") as file:
        drawn = perfetto_wire.Trace(file.read())
    check({piece.name for piece in drawn.slices} >= {"running", "sleep"}, "states are missing")
    check(any("nanosleep" in piece.arguments.get("call", "") for piece in drawn.slices),
          "the call of a sleep is not named")


@case
def perfetto_needs_slices():
    path = os.path.join(harness.folder, "totals")
    shutil.copytree(next(situations()), path)
    for name in ("slices.csv", "waits.csv"):
        os.unlink(os.path.join(path, name))
    result = convoy("report", path, "--format", "perfetto")
    check(result.status == 2 and "no slices" in result.stderr, result.stderr)
    report(path, "--format", "folded")


@case
def a_full_disk_is_an_error():
    path = next(situations())
    for name in ("perfetto", "folded"):
        with open("/dev/full", "wb") as full:
            result = convoy("report", path, "--format", name, stdout=full)
        check(result.status == 2 and "space" in result.stderr, f"{name}: {result.status}")


def folded_lines(text):
    for line in text.splitlines():
        stack, weight = line.split(" ")
        yield stack.split(";"), int(weight)


def frame(text):
    """What a cell's text is as a frame: cells escape a sign at their begin that is none here."""
    text = re.sub(r"^\\x(3d|2b|2d|40)", lambda found: chr(int(found[1], 16)), text)
    return text.replace(";", "\\x3b").replace(" ", "_")


def rounded(ns):
    return (ns + 500) // 1000


def verify_folded(trace):
    """Lines of a thread sum to its lifetime, its states to their columns within rounding, its waits
    to the locks."""
    sums, states, locks = {}, {}, {}
    for frames, weight in folded_lines(report(trace.path, "--format", "folded").stdout):
        check(weight > 0 and 2 <= len(frames) <= 3 and all(frames), f"{frames} {weight}")
        sums[frames[0]] = sums.get(frames[0], 0) + weight
        states[frames[0], frames[1]] = states.get((frames[0], frames[1]), 0) + weight
        if frames[1] in CLASSES and len(frames) == 3:
            locks[frames[2]] = locks.get(frames[2], 0) + weight
    names = [frame(row["name"] or row["comm"]) for row in trace.threads]
    expected = {}
    for row, name in zip(trace.threads, names):
        if names.count(name) > 1 or not name:
            name = f"{name or 'thread'}_{row['tid']}"
        expected[name] = expected.get(name, 0) + rounded(row["lifetime_ns"])
        for state in CLASSES + BLOCKED + ("running", "preempted", "queued"):
            check(abs(states.get((name, state), 0) - row[state + "_ns"] / 1000) < 1
                  or list(expected).count(name) > 1, f"{name}, {state}")
    check(sums == {name: us for name, us in expected.items() if us},
          f"folded {sums}, threads.csv {expected}")
    waits = sum(lock["wait_ns"] for lock in trace.locks)
    check(abs(sum(locks.values()) - waits / 1000) <= len(states) + len(locks), "waits")


@case
def folded_sums_to_the_files():
    for path in situations():
        verify_folded(Trace(path))
    verify_folded(measured_as("mutex", workload("w_mutex"), "--threads", "3", "--rounds", "20"))
    verify_folded(measured_as("names", workload("w_names"), "--ms", "20"))


@case
def folded_says_what_the_slices_lack():
    path = os.path.join(harness.folder, "totals")
    shutil.copytree(os.path.join(TRACES, "hand-offs-speaks"), path)
    whole = report(path, "--format", "folded").stdout
    for name in ("slices.csv", "waits.csv"):
        os.unlink(os.path.join(path, name))
    check(report(path, "--format", "folded").stdout == whole, "waits need no slices")


def verify_json(checker, path):
    document = json.loads(report(path, "--format", "json").stdout)
    check_valid(checker, document, path)
    return document


@case
def lost_slices_leave_holes_and_sums_stay():
    trace = measured(workload("w_pingpong"), "--turns", "30000",
                     options=("--ring-size", "4096", "-q"))
    if not trace.meta["slices_lost"]:
        raise Skip("nothing was lost")
    drawn = perfetto_wire.Trace(perfetto_of(trace.path))
    verify_slices(trace, drawn)
    running = sum(piece["duration_ns"] for piece in trace.slices if piece["state"] == "running")
    check(integral(drawn.counter_named("threads running"), trace.end_ns) == running, "running")
    verify_folded(trace)
    return f"{trace.meta['slices_lost']} of {trace.meta['slices_produced']} lost"


@case
def json_is_as_its_schema_says():
    checker = validator("report")
    for path in situations():
        verify_json(checker, path)
    verify_json(checker, measured(workload("w_mutex"), "--threads", "3", "--rounds", "20").path)
    document = verify_json(validator(), next(situations()))
    for spoil in (lambda d: d.pop("wall_ns"), lambda d: d.update(wall_ns=-1),
                  lambda d: d.update(unheard_of=1), lambda d: d["threads"][0].pop("tid"),
                  lambda d: d["trust"].update(switches=None), lambda d: d.update(kind=3)):
        spoiled = json.loads(json.dumps(document))
        spoil(spoiled)
        check(list(validator().iter_errors(spoiled)), "a spoiled report is valid")


@case
def a_countdown_in_every_format():
    path = os.path.join(harness.folder, "countdown")
    result = convoy("countdown", "--rounds", "1", "--count", "200000", "--python", sys.executable,
                    "-o", path, "--format", "json", timeout=120)
    check(result.status == 0, result.stderr)
    checker = validator("countdown")
    wrong = [error.message for error in checker.iter_errors(json.loads(result.stdout))]
    check(not wrong, "\n".join(wrong[:5]))
    verify_json(checker, path)
    verify_json(validator("report"), os.path.join(path, "threads", "1"))
    drawn = perfetto_wire.Trace(perfetto_of(path))
    runs = {name: Trace(os.path.join(path, name, "1")) for name in ("serial", "threads",
                                                                    "processes")}
    for name, trace in runs.items():
        points = drawn.counter_named(f"{name}: threads running")
        check(integral(points, trace.end_ns)
              == sum(thread["running_ns"] for thread in trace.threads), f"{name}: threads running")
    phases = [piece for piece in drawn.slices
              if drawn.tracks[piece.track].get("name", "").endswith(": phases")]
    check({piece.name for piece in phases} >= {"count"} and len(phases) >= 3, "phases")
    states = [piece for piece in drawn.slices if drawn.tracks[piece.track]["kind"] == "thread"]
    check(len(states) == sum(len(trace.slices) for trace in runs.values()), "slices are missing")
    verify_folded_countdown(path, runs)
    result = convoy("countdown", "--format", "perfetto")
    check(result.status == 2 and "-o DIR" in result.stderr, result.stderr)


def verify_folded_countdown(path, runs):
    running = {}
    for frames, weight in folded_lines(report(path, "--format", "folded").stdout):
        if frames[2] == "running":
            running[frames[0]] = running.get(frames[0], 0) + weight
    document = json.loads(report(path, "--format", "json").stdout)
    for variant in document["variants"]:
        threads = variant["representative"]["threads"]
        cpu = sum(thread["running_ns"] for thread in threads)
        check(abs(running[variant["name"]] - cpu / 1000) <= len(threads), variant["name"])
    check(set(running) == set(runs), f"variants {set(running)}")


harness.main()
