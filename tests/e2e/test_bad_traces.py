#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Trace directories as they come back from people: missing, half copied, of a newer version,
edited, planted. Every command that reads one says file, line and what to try, and leaves with
status 2."""

import gzip
import json
import os
import shutil

import harness
from harness import TOP, case, check, convoy

FORMATS = ("text", "json", "html", "perfetto", "folded")
GOOD = os.path.join(TOP, "tests", "golden", "trace")


def place(name):
    return os.path.join(harness.folder, name)


def check_refused(result, *words):
    check(result.status == 2, f"status {result.status}\n{result.stderr}")
    check(not result.raw_stdout, f"something went to stdout: {result.stdout[:200]}")
    check(len(result.stderr.splitlines()) == 1, f"not one line: {result.stderr}")
    check("\\x5c" not in result.stderr, f"escaped twice: {result.stderr}")
    for word in words:
        check(word in result.stderr, f"'{word}' is not in: {result.stderr}")


def check_all_refuse(path, good, *words):
    """`report` in every format, and `compare` with a good one on either side."""
    for form in FORMATS:
        check_refused(convoy("report", path, "--format", form, timeout=10), *words)
    for paths in ((path, good), (good, path)):
        check_refused(convoy("compare", *paths, timeout=10), *words)


def copy(of=GOOD):
    path = place("trace")
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(of, path)
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def edit(path, change):
    write(path, change(read(path)))


def rows(change):
    """Changes the list of the rows below the header."""
    def changed(content):
        header, *lines = content.splitlines(keepends=True)
        return header + b"".join(change(lines))
    return changed


# File, what is done to it, and what must be said of it.
DAMAGES = (
    ("meta.json", lambda text: text.replace(b'"schema": 1', b'"schema": 2', 1),
     ("meta.json:2: ", "newer convoy", "update convoy")),
    ("meta.json", lambda text: text[:len(text) // 2], ("meta.json:", "not JSON", "copy it again")),
    ("meta.json", lambda text: b"", ("meta.json:1: not JSON",)),
    ("meta.json", lambda text: text.replace(b'"kind": "run"', b'"kind": "walk"'),
     ("meta.json:4: 'kind'",)),
    ("threads.csv", lambda text: text[:len(text) // 2], ("threads.csv:2: the file ends within",)),
    ("threads.csv", rows(lambda lines: lines[:1]), ("'own_run_ns'", "1 threads of threads.csv")),
    ("threads.csv", rows(lambda lines: lines[::-1]), ("threads.csv:2: number ", "copy it again")),
    ("threads.csv", lambda text: text.replace(b",", b";"), ("threads.csv:1: 1 cells",)),
    ("threads.csv", lambda text: b"\xef\xbb\xbf" + text,
     ("threads.csv:1: column 1 is '\\xef\\xbb",)),
    ("threads.csv", lambda text: b"", ("threads.csv:1: the header is missing",)),
    ("locks.csv", rows(lambda lines: lines[:1]), ("edges.csv:5: an unknown lock",)),
    ("edges.csv", rows(lambda lines: lines[:-1]), ("edges.csv': the edges of lock", "locks.csv")),
    ("slices.csv", rows(lambda lines: lines[::-1]), ("slices.csv:3: not in order",)),
    ("slices.csv", rows(lambda lines: lines[:5]), (".csv:", "copy it again")),
    ("slices.csv", lambda text: text.replace(b",running,", b",runing,", 1),
     ("slices.csv:2: column 'state': 'runing' is not state",)),
    ("waits.csv", rows(lambda lines: lines[1:]), ("waits.csv:2: not the next futex wait",)),
)


@case
def damaged_files_are_refused_by_every_reader():
    for name, damage, words in DAMAGES:
        path = copy()
        edit(os.path.join(path, name), damage)
        check_all_refuse(path, GOOD, *words)
    return f"{len(DAMAGES)} damages, {len(FORMATS) + 2} commands each"


@case
def missing_things_are_named():
    check_all_refuse(place("nowhere"), GOOD, "nowhere", "No such file", "-o DIR")
    os.mkdir(place("empty"))
    check_all_refuse(place("empty"), GOOD, "empty", "no meta.json", "-o DIR")
    check_all_refuse(os.path.join(GOOD, "meta.json"), GOOD, "Not a directory", "-o DIR")
    for name in ("threads.csv", "locks.csv", "edges.csv", "slices.csv", "waits.csv"):
        path = copy()
        os.unlink(os.path.join(path, name))
        check_all_refuse(path, GOOD, f"{name}': missing", "copy it again")


@case
def packed_files_that_are_cut_or_changed_are_refused():
    packed = gzip.compress(read(os.path.join(GOOD, "slices.csv")), mtime=0)
    for content, word in ((packed[:-20], "cut off"), (packed[:12], "cut off"),
                          (packed[:60] + b"x" * 8 + packed[68:], "cannot read: ")):
        path = copy()
        os.unlink(os.path.join(path, "slices.csv"))
        write(os.path.join(path, "slices.csv.gz"), content)
        check_all_refuse(path, GOOD, "slices.csv.gz:", word)


@case
def what_is_planted_is_not_opened():
    for name in ("meta.json", "slices.csv"):
        for plant, word in ((os.mkfifo, "not a regular file"), (os.mkdir, "not a regular file"),
                            (lambda path: os.symlink("/etc/passwd", path), "symbolic link")):
            path = copy()
            os.unlink(os.path.join(path, name))
            plant(os.path.join(path, name))
            check_all_refuse(path, GOOD, name, word)


@case
def huge_files_take_no_time():
    for name, word in (("meta.json", "too large"), ("threads.csv", "row longer")):
        path = copy()
        os.truncate(os.path.join(path, name), 8 << 30)
        check_all_refuse(path, GOOD, name, word)


def edit_meta(path, **fields):
    def changed(content):
        meta = json.loads(content)
        meta.update(fields)
        return json.dumps(meta).encode()
    edit(os.path.join(path, "meta.json"), changed)


def leave_no_report(path):
    os.unlink(os.path.join(path, "report.json"))


def plant_link(path):
    leave_no_report(path)
    os.symlink("/etc/passwd", os.path.join(path, "report.json"))


def remove_variant(path):
    shutil.rmtree(os.path.join(path, "threads"))


def remove_file(path):
    os.unlink(os.path.join(path, "threads", "1", "locks.csv"))


# What is done to the directory of a countdown, and what must be said.
COUNTDOWN_DAMAGES = (
    (remove_variant, ("report.json", "VARIANT/ROUND", "copy")),
    (remove_file, ("threads/1/locks.csv': missing",)),
    (plant_link, ("report.json", "not a regular file")),
    (lambda path: edit(os.path.join(path, "report.json"), lambda text: text[:500]),
     ("report.json:", "not JSON", "copy")),
    (lambda path: edit(os.path.join(path, "report.json"), lambda text: b"[]"), ("report.json",)),
    (lambda path: edit(os.path.join(path, "report.json"),
                       lambda text: text.replace(b'"schema": 1', b'"schema": 2', 1)),
     ("report.json", "newer", "update convoy")),
    (lambda path: edit_meta(os.path.join(path, "threads", "1"), phases=[]),
     ("round 1", "'threads'", "no phase 'count'")),
    (lambda path: edit_meta(os.path.join(path, "threads", "1"), variant=""),
     ("threads/1", "not a run of a countdown")),
)


@case
def damaged_countdowns_are_refused_by_every_reader():
    good = place("countdown")
    result = convoy("countdown", "--count", "100000", "--rounds", "1", "-o", good)
    check(result.status == 0, result.stderr)
    for damage, words in COUNTDOWN_DAMAGES:
        path = copy(good)
        damage(path)
        check_all_refuse(path, good, *words)
    path = copy(good)
    leave_no_report(path)
    check_refused(convoy("report", path), "no meta.json, nor the report.json")
    return f"{len(COUNTDOWN_DAMAGES)} damages"


harness.main()
