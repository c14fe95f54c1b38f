#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The countdown on every interpreter found: what each can do, and that its report tells the truth
about it: who waits for a GIL, and who has none."""

import os

import harness
import pythons
from countdowns import countdown, report, script, tables, traces
from harness import Skip, case, check, convoy, timely, unready

SMALL = 200000  # counted in 10 ms or so
COUNTS = {"CPython": 3000000, "PyPy": 200000000, "Jython": 3000000}  # a tenth of a second
VARIANTS = ["serial", "threads", "processes", "subinterpreters", "nogil-serial", "nogil"]
FEW = ["serial", "threads", "subinterpreters"]  # of an interpreter like another one here
OF_JYTHON = [*FEW, "processes"]  # it starts slowly, and cannot do the last two


def variants(told):
    return {row["name"]: row["representative"] for row in told["variants"]}


def check_what_ran(python, told, asked):
    ran = set(variants(told))
    skipped = {row["name"]: row["why"] for row in told["skipped"]}
    check({"serial", "threads"} <= ran, f"{python.name}: only {ran} ran")
    check(not ran & set(skipped), f"{python.name}: {ran} ran and {skipped} did not")
    check(ran | set(skipped) == set(asked), f"{python.name}: {ran} {skipped}")
    check(all(why for why in skipped.values()), f"{python.name}: {skipped}")
    if "processes" in asked:
        check(("processes" in skipped) == (python.kind == "Jython"), f"{python.name}: {skipped}")
    has_own = python.kind == "CPython" and python.version >= (3, 12)
    check(("subinterpreters" in ran) == has_own, f"{python.name}: {skipped}")


def waited_for_gils(run):
    """Of a representative, as all times in ns."""
    return sum(lock["wait_ns"] for lock in run["locks"] if pythons.is_gil(lock))


def check_gil(python, told):
    """In threads one waits while the other counts; elsewhere nobody does."""
    run = variants(told)["threads"]
    workers = [thread for thread in run["threads"] if thread["tid"] != thread["pid"]]
    alive = sum(pythons.alive(thread) for thread in workers)
    off = sum(unready(thread) for thread in workers)
    waited = waited_for_gils(run)
    # The threads of 2.7 and PyPy fight for it, running, as often as they wait.
    waits_in_turn = python.kind == "CPython" and python.version >= (3, 2)
    check(waited > 0, f"{python.name}: no wait for the GIL")
    # A thread whose CPU the host takes neither counts nor waits, and counts as running.
    timely(not waits_in_turn or waited >= 0.7 * (alive - off) / 2,
           f"{python.name}: {waited} ns waited for the GIL, {alive} alive, {off} ready")
    says = told["findings"][0]["says"]
    # On a busy machine the CPUs were the reason at least as much, and the report says that.
    check("waited for the GIL" in says or off > 0.2 * alive, f"{python.name}: {says}")
    for name in {"serial", "processes"} & set(variants(told)):
        run = variants(told)[name]
        timely(waited_for_gils(run) <= 0.01 * run["wall_ns"],
               f"{python.name}: {waited_for_gils(run)} ns of {name} are waits for a GIL")
    own = variants(told).get("subinterpreters")
    check(not own or waited_for_gils(own) < 0.5 * waited,
          f"{python.name}: with GILs of their own they waited as well")


def check_no_gil(python, told):
    waited = waited_for_gils(variants(told)["threads"])
    check(waited == 0, f"{python.name}: {waited} ns waited for a GIL it has not")
    for finding in told["findings"]:
        check("for the GIL" not in finding["says"], f"{python.name}: {finding['says']}")


@case
def every_interpreter_runs_what_it_can_and_the_truth_is_told():
    seen = []
    unlike = {python.path for python in pythons.unlike()}
    for python in pythons.interpreters(more=("jython",)):
        asked = VARIANTS if python.path in unlike else FEW
        asked = OF_JYTHON if python.kind == "Jython" else asked
        told = report("--python", python.path, "--count", COUNTS[python.kind], "--rounds", 1,
                      "--variant", ",".join(asked))[0]
        check(told["interpreter"].startswith(python.kind), told["interpreter"])
        check_what_ran(python, told, asked)
        (check_gil if python.has_gil else check_no_gil)(python, told)
        seen.append(told["interpreter"])
    return ", ".join(seen)


@case
def several_interpreters_have_a_directory_each():
    found = pythons.unlike()[:2]
    if len(found) < 2:
        raise Skip("only one interpreter here")
    path = os.path.join(harness.folder, "out")
    words = [word for python in found for word in ("--python", python.path)]
    told = report(*words, "--count", SMALL, "--rounds", 1, "-o", path)
    folders = {name for name in os.listdir(path) if name != "report.json"}
    check(len(told) == 2 and len(folders) == 2, f"{len(told)} tables, directories {folders}")
    for folder in folders:
        check(len(traces(os.path.join(path, folder))) == 3, f"{folder}: not three runs")
    again = convoy("report", path, "--format", "json")
    check(again.status == 0, again.stderr)
    check(tables(again.stdout) == told, "read back it says something else")


# As a free-threaded build answers; it counts with a GIL all the same.
FREE = """[ "$1" = -c ] && shift
exec /usr/bin/python3 -c "
import sys
sys._is_gil_enabled = lambda: False
exec(compile(sys.argv.pop(1), 'workload', 'exec'))
" "$@"
"""


@case
def an_interpreter_without_a_gil_is_called_so():
    said = countdown("-q", "--python", script(FREE), "--count", SMALL, "--rounds", 1).stdout
    title = " ".join(said.split()[:8])
    check("(free-threaded: no GIL)" in title, said)


harness.main()
