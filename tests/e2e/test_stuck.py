#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Programs that do not go on: who waits for whom is told, and nothing is made up about those that
only rest."""

import json
import os
import subprocess

import harness
from harness import case, check, convoy, workload


def attach(*argv):
    """The JSON report of a second in the life of a workload that has said it is stuck."""
    with subprocess.Popen([workload(argv[0]), *argv[1:]], stdout=subprocess.PIPE) as process:
        try:
            check(process.stdout.readline() == b"stuck\n", "it is not stuck")
            result = convoy("attach", "-p", process.pid, "-d", 1, "--format", "json")
        finally:
            process.kill()
    check(result.status == 0, result.stderr)
    return json.loads(result.stdout)


def run(*argv):
    path = os.path.join(harness.folder, "report.json")
    result = convoy("run", "--format", "json", "--report", path, "--", workload(argv[0]),
                    *argv[1:])
    check(result.status == 0, result.stderr)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def finding(report, name):
    found = [row for row in report["findings"] if row["id"] == name]
    check(len(found) == 1, f"no '{name}': {[row['says'] for row in report['findings']]}")
    return found[0]


def check_deadlock(report):
    says = finding(report, "deadlock")["says"]
    for words in ("'left' waits for the mutex 'second'", "'right' waits for the mutex 'first'",
                  "which 'left' has", "which 'right' has", "waits one more"):
        check(words in says, f"{words}: {says}")
    check(report["findings"][0]["id"] == "deadlock", f"not first: {report['findings'][0]}")


@case
def a_deadlock_that_is_there_already_is_told_by_its_threads_and_locks():
    report = attach("w_deadlock")
    check_deadlock(report)
    evidence = {row["evidence"] for row in report["locks"] if row["kind"] == "mutex"}
    check(evidence == {"never-free"}, f"contended? {evidence}")


@case
def a_deadlock_that_comes_about_is_told_when_the_program_ends():
    check_deadlock(run("w_deadlock", "--ms", 700))


@case
def a_mutex_of_a_thread_that_ended_is_never_let_go():
    says = finding(run("w_deadlock", "--dead", "--ms", 700), "never-let-go")["says"]
    for words in ("'behind' waited for the mutex 'first'", "'dead' had it and ended"):
        check(words in says, f"{words}: {says}")


@case
def contention_and_idle_pools_are_no_deadlock():
    for argv in (("w_mutex", "--rounds", 20), ("w_cond_idle", "--ms", 300)):
        stuck = [row["says"] for row in run(*argv)["findings"]
                 if row["id"] in ("deadlock", "never-let-go")]
        check(not stuck, f"{argv}: {stuck}")


harness.main()
