#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The critical path and the what-if: sums, what holders do on the path, and predictions held
against the same program without the lock."""

import json
import os

import harness
from harness import MS, case, check, convoy, near, timely, workload

MODEL_ERROR = 20  # thousandths
ROUNDS, HOLD_MS, THREADS = 20, 5, 4


def observe(*argv, name="trace"):
    """The JSON report of a run, and the trace's place."""
    path = os.path.join(harness.folder, name)
    report = os.path.join(harness.folder, name + ".json")
    result = convoy("run", "-o", path, "--format", "json", "--report", report, "--", *argv)
    check(result.status == 0, f"status {result.status}\n{result.stderr}")
    with open(report, encoding="utf-8") as file:
        return json.load(file), path


def check_path(report):
    path = report["critical_path"]
    total = sum(part["ns"] for part in path["parts"]) + path["other_ns"]
    check(total == report["wall_ns"], f"the path sums to {total}, not {report['wall_ns']}")
    return path


def check_model(report):
    what_if = report["what_if"]
    check(what_if["model"] == "good", f"model {what_if}")
    off = abs(what_if["model_wall_ns"] - report["wall_ns"])
    timely(off * 1000 <= (MODEL_ERROR + 1) * report["wall_ns"], f"the model is off by {off} ns")
    return what_if


def lock_of_kind(report, kind):
    found = [row["lock"] for row in report["locks"] if row["kind"] == kind]
    check(found, f"no lock of kind {kind}")
    return found


def contend(*options, name):
    return observe(workload("w_mutex"), "--threads", THREADS, "--rounds", ROUNDS, "--hold-us",
                   HOLD_MS * 1000, *options, name=name)[0]


@case
def holders_that_sleep_are_what_the_end_waited_for():
    report = contend("--sleeps", name="locked")
    mutex = lock_of_kind(report, "mutex")[0]
    path = check_path(report)
    slept = sum(part["ns"] for part in path["parts"]
                if part["state"] == "sleep" and part["held_lock"] == mutex)
    # Each hold but those at the end, when nobody waits any more, keeps another thread.
    held = (THREADS * ROUNDS - ROUNDS // 2) * HOLD_MS * MS
    check(slept >= 0.8 * held, f"{slept} ns asleep with the mutex on the path, {held} held")
    return f"{slept / report['wall_ns']:.0%} of the path"


@case
def a_prediction_is_what_happens_without_the_lock():
    locked, free = contend("--sleeps", name="locked"), contend("--sleeps", "--own", name="free")
    what_if = check_model(locked)
    mutex = lock_of_kind(locked, "mutex")[0]
    row = [row for row in what_if["without"] if row["lock"] == mutex][0]
    # Sleeping takes no CPU: only what a busy machine adds to each of the rounds differs.
    near(row["wall_ns"], free["wall_ns"], 0.25, 30 * MS, "wall without the mutex")
    timely(row["wall_ns"] < 0.6 * locked["wall_ns"], f"{row['wall_ns']} of {locked['wall_ns']}")
    return (f"{row['wall_ns'] / MS:.0f} ms predicted, {free['wall_ns'] / MS:.0f} measured, "
            f"{locked['wall_ns'] / MS:.0f} with the mutex")


@case
def work_under_a_lock_stays_work():
    report = contend(name="work")
    what_if = check_model(report)
    check_path(report)
    row = what_if["without"][0]
    near(row["cpu_ns"], report["cpu_ns"], 0.02, MS, "CPU time without the mutex")
    timely(row["wall_ns"] * report["capacity"]["cpus"] >= 0.98 * row["cpu_ns"],
           "more work than the CPUs can do")


@case
def without_contention_there_is_nothing_to_predict():
    report, _ = observe(workload("w_join"))
    what_if = check_model(report)
    check(what_if["without"] == [], f"{what_if['without']}")
    check_path(report)


@case
def the_path_goes_through_whoever_is_joined():
    report, _ = observe(workload("w_join"))
    path = check_path(report)
    on_path = {part["thread"] for part in path["parts"]}
    check(path["end_thread"] == 1 and len(on_path) > 1, f"on the path: {on_path}")
    joined = sum(part["ns"] for part in path["parts"] if part["state"] == "join")
    timely(joined <= 0.02 * report["wall_ns"], f"{joined} ns of joining are on the path")


@case
def a_saved_trace_says_the_same():
    report, path = observe(workload("w_mutex"), "--rounds", 10)
    result = convoy("report", path, "--format", "json")
    saved = json.loads(result.stdout)
    for key in ("critical_path", "what_if"):
        check(saved[key] == report[key], f"{key}: {saved[key]} saved, {report[key]} live")


@case
def many_short_lives_are_covered_too():
    """Hundreds of births in a few milliseconds, more ready than there are CPUs."""
    figures = []
    for argv in (["w_forkstorm"], ["w_forkstorm", "--forks", 100, "--exec"],
                 ["w_threads", "--count", 1000]):
        report, _ = observe(workload(argv[0]), *argv[1:], name=f"trace-{len(figures)}")
        check_path(report)
        figures.append(str(check_model(report)["error_permille"]))
    return f"model off by {', '.join(figures)} per mille"


@case
def small_locks_of_one_call_site_are_one():
    entries = 48
    report, _ = observe(workload("w_cache"), "--entries", entries)
    rows = [row for row in report["locks"] if "cache_get()" in row["name"]]
    check(len(rows) >= 0.9 * entries, f"{len(rows)} locks in cache_get(), of {entries}")
    name = f"the {len(rows)} mutexes in cache_get() of w_cache"
    check(any(name in row["says"] for row in report["findings"]),
          f"no finding about {name}: {[row['says'] for row in report['findings']]}")
    row = check_model(report)["without"][0]
    check(row["locks"] == len(rows), f"without {row['locks']} locks, not {len(rows)}")
    check(row["wall_ns"] < 0.8 * report["wall_ns"], f"{row['wall_ns']} of {report['wall_ns']} ns")
    near(row["cpu_ns"], report["cpu_ns"], 0.03, 2 * MS, "CPU time without them")
    return f"{row['wall_ns'] / MS:.0f} ms instead of {report['wall_ns'] / MS:.0f} predicted"


@case
def a_countdown_checks_itself():
    path = os.path.join(harness.folder, "countdown")
    result = convoy("countdown", "-q", "--rounds", 1, "--count", 3000000, "--format", "json",
                    "-o", path)
    check(result.status == 0, result.stderr)
    variants = {row["name"]: row["representative"] for row in json.loads(result.stdout)["variants"]}
    for report in variants.values():
        check_path(report)
        check_model(report)
    threads = variants["threads"]
    gil = lock_of_kind(threads, "gil")
    check(threads["what_if"]["without"], "nothing predicted without the GIL")
    row = threads["what_if"]["without"][0]
    check(row["lock"] in gil, f"lock {row['lock']} is not the GIL")
    timely(row["wall_ns"] < threads["wall_ns"], "the GIL wins time")
    near(row["cpu_ns"], threads["cpu_ns"], 0.03, 2 * MS, "CPU time without the GIL")
    text = " ".join(convoy("report", path).stdout.split())
    check("without the GIL" in text and "processes measured" in text, "no such line in the text")
    measured = variants["processes"]["wall_ns"]
    if abs(measured - row["wall_ns"]) > 0.105 * measured:  # shown in thousandths
        check("The two differ: processes took" in text, f"no reason for {measured} ns: {text}")
    return f"{row['wall_ns'] / MS:.0f} ms predicted, " \
        f"{variants['processes']['wall_ns'] / MS:.0f} in processes"


if __name__ == "__main__":
    harness.main()
