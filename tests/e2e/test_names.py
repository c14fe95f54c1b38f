#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Names made to break terminals, tables and JSON: shown harmless, kept whole."""

import json
import os
import shutil
import unicodedata

import harness
from harness import case, check, convoy, record, workload

HOSTILE = "evil\x1b[31m\n,\"'=x\u202e"


def check_harmless(text, what):
    """Text for people: no control or format character but the newline, and strict UTF-8."""
    for number, line in enumerate(text.split("\n"), 1):
        for character in line:
            check(unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs"),
                  f"{what}, line {number}: U+{ord(character):04X} in {line!r}")


def hostile_program():
    path = os.path.join(harness.folder, HOSTILE)
    shutil.copy(workload("w_names"), path)
    return path


@case
def thread_names_survive_the_tables_whole():
    result, trace = record(workload("w_names"))
    for name in result.truth.all("name"):
        kept = harness.unescape(trace.thread(name["tid"])["comm"])
        check(kept.hex() == str(name["hex"]), f"{name['hex']} came back as {kept.hex()}")


@case
def threads_that_are_called_as_their_process_are_numbered():
    result, trace = record(workload("w_threads"), "--count", 5, "--at-once", 5)
    born = sorted(trace.threads, key=lambda row: row["start_ns"])
    check([row["comm"] for row in born] == ["w_threads"] * 6, f"{[row['comm'] for row in born]}")
    names = [row["name"] for row in born]
    check(names == [""] + [f"thread {number} of w_threads" for number in range(2, 7)], f"{names}")
    for name in names[1:]:
        check(f"  {name} " in result.stderr, f"'{name}' is not in the report:\n{result.stderr}")
    _, trace = record(workload("w_names"), name="named")
    numbered = [row["name"] for row in trace.threads if row["name"]]
    check(not numbered, f"threads with names of their own are called {numbered}")


@case
def no_cell_is_a_formula_or_a_control_code():
    _, trace = record(hostile_program())
    for table in ("threads", "locks", "slices", "waits", "parallel"):
        with open(os.path.join(trace.path, table + ".csv"), "rb") as file:
            check_harmless(file.read().decode("utf-8").replace("\r\n", "\n"), table)
    for row in trace.threads + trace.locks:
        for column in ("comm", "name"):
            text = row.get(column) or ""
            check(not text.startswith(("=", "+", "-", "@", "\t", "\r")), f"a formula: {text!r}")


@case
def the_report_is_harmless_on_a_terminal():
    result = convoy("run", "--", hostile_program())
    check(result.status == 0, result.stderr)
    check_harmless(result.raw_stderr.decode("utf-8"), "the text report")
    result = convoy("run", "-v", "--color", "never", "--", hostile_program())
    check_harmless(result.raw_stderr.decode("utf-8"), "the talkative text report")


@case
def an_error_message_is_harmless():
    result = convoy("run", "--", os.path.join(harness.folder, "no" + HOSTILE))
    check(result.status == 127, f"status {result.status}")
    check_harmless(result.raw_stderr.decode("utf-8"), "the error message")
    result = convoy("report", os.path.join(harness.folder, HOSTILE))
    check_harmless(result.raw_stderr.decode("utf-8"), "the error message")


@case
def json_is_strict_utf8():
    path = os.path.join(harness.folder, "report.json")
    result = convoy("run", "--format", "json", "--report", path, "--", hostile_program())
    check(result.status == 0, result.stderr)
    with open(path, "rb") as file:
        text = file.read().decode("utf-8")
    report = json.loads(text, parse_constant=lambda word: check(False, f"{word} is no JSON"))
    check(len(report["threads"]) == 15, f"{len(report['threads'])} threads, not 15")
    check_harmless(text, "the JSON report")


@case
def arguments_in_the_command_line_are_harmless():
    path = os.path.join(harness.folder, "trace")
    arguments = [HOSTILE.encode(), b"\xff\xfe", b"a,b\r\n", b""]
    result = harness.call(harness.CONVOY, "run", "-o", path, "--", "true")
    process = harness.start([harness.CONVOY.encode(), b"run", b"-o", path.encode() + b"2", b"--",
                             b"true", *arguments])
    result = harness.finish(process)
    check(result.status == 0, result.stderr)
    check_harmless(result.raw_stderr.decode("utf-8"), "the text report")
    with open(path + "2/meta.json", "rb") as file:
        command = json.loads(file.read().decode("utf-8"))["command"]
    kept = [harness.unescape(word) for word in command[1:]]
    check(kept == arguments, f"the arguments came back as {kept}")


harness.main()
