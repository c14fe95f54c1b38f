# SPDX-License-Identifier: GPL-2.0-only
"""The Python interpreters of this machine, for end-to-end tests: those in PATH, those of pyenv and
those named in CONVOY_TEST_PYTHONS (separated by colons), each once. Not a test itself.
"""

import functools
import glob
import json
import os
import re
import shutil
import subprocess

import harness
from harness import Skip, record

TRIES = 3
NAMES = ["python3", "python2.7", "python2"] + [f"python3.{minor}" for minor in range(6, 20)] + [
    f"python3.{minor}t" for minor in range(13, 20)] + ["pypy3", "pypy"]
ASKS = """
import platform, sys
kind = platform.python_implementation()
gil = getattr(sys, "_is_gil_enabled", lambda: kind != "Jython")()
print("%s %d %d %d %s" % ((kind, gil) + tuple(sys.version_info[:2]) + (sys.prefix,)))
"""


class Python:
    """An interpreter: where it is, which it is, and what its runs are called in figures."""

    def __init__(self, path, answer):
        kind, gil, major, minor, self.prefix = answer.strip().split(" ", 4)
        self.path, self.kind, self.has_gil = path, kind, gil == "1"
        self.version = (int(major), int(minor))
        self.identity = answer
        self.name = f"{kind} {major}.{minor}"

    def library(self):
        """Its shared library, None if it has none."""
        folder = os.path.join(self.prefix, "lib")
        start = f"libpython{self.version[0]}.{self.version[1]}"
        found = [name for name in sorted(os.listdir(folder))
                 if name.startswith(start) and name.endswith(".so.1.0")]
        return os.path.join(folder, found[0]) if found else None


def of_pyenv():
    """Every version that pyenv has installed, the oldest first."""
    root = os.environ.get("PYENV_ROOT") or os.path.expanduser("~/.pyenv")
    found = glob.glob(os.path.join(glob.escape(root), "versions", "*", "bin", "python"))
    return sorted(found, key=lambda path: [int(number) for number in re.findall(r"\d+", path)])


def paths(more):
    """Where an interpreter may be: each word is one, several may be the same."""
    named = os.environ.get("CONVOY_TEST_PYTHONS", "").split(":")
    in_path = [shutil.which(name) for name in NAMES + list(more)]
    return [path for path in named + in_path + of_pyenv() if path]


@functools.cache
def identify(path):
    try:
        answer = subprocess.run([path, "-c", ASKS], capture_output=True, check=True, timeout=60,
                                encoding="utf-8")
    except (OSError, subprocess.SubprocessError):
        return None
    return Python(path, answer.stdout)


def interpreters(is_wanted=lambda python: True, more=()):
    """Those that are wanted; skips the case if there is none. more: names in PATH besides the
    usual ones, as of Jython, which takes seconds to say what it is."""
    found = {}
    for path in paths(more):
        python = identify(path)
        if python:
            found.setdefault(python.identity, python)
    wanted = [python for python in found.values() if is_wanted(python)]
    if not wanted:
        raise Skip("no such interpreter here: name some in CONVOY_TEST_PYTHONS")
    return wanted


def unlike(is_wanted=lambda python: True):
    """Of those wanted, the ones that differ most: the first found, and of each kind and major
    version the oldest and the newest. For what is the same in all but the most unlike, so that a
    machine with many interpreters is not kept busy for minutes."""
    wanted = interpreters(is_wanted)
    ends = {}
    for python in sorted(wanted, key=lambda python: python.version):
        oldest, _ = ends.get((python.kind, python.version[0]), (python, None))
        ends[python.kind, python.version[0]] = (oldest, python)
    chosen = {python.path for pair in ends.values() for python in pair} | {wanted[0].path}
    return [python for python in wanted if python.path in chosen]


def has_gil(python):
    return python.has_gil


def was_repaired(path):
    """On some virtual machines the kernel now and then switches a thread without telling; convoy
    notices and says so, and such a trace need not add up."""
    meta = os.path.join(path, "meta.json")
    if not os.path.exists(meta):
        return False
    with open(meta, encoding="utf-8") as file:
        loss = json.load(file)["loss"]
    return loss["repaired"] > 0


def run(python, script, *argv, env=None):
    """`convoy run -o` of a script: (result, trace). env: variables for the interpreter alone."""
    path = os.path.join(harness.folder, "program.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script)
    words = ["env", *[f"{key}={value}" for key, value in env.items()]] if env else []
    words += [python.path, "-B", path, *[str(word) for word in argv]]
    for _ in range(TRIES - 1):
        run.count += 1
        try:
            return record(*words, name=f"trace{run.count}")
        except AssertionError:
            if not was_repaired(os.path.join(harness.folder, f"trace{run.count}")):
                raise
    run.count += 1
    return record(*words, name=f"trace{run.count}")


run.count = 0


def is_gil(lock):
    return lock["kind"] in ("gil", "hand-over")


def waits_by_lock(trace, thread):
    """Rows of waits.csv of a row of threads.csv: [(row of locks.csv, wait)]."""
    locks = {lock["lock"]: lock for lock in trace.locks}
    return [(locks[wait["lock"]], wait) for wait in trace.waits
            if wait["thread"] == thread["thread"]]


def waited(trace, thread, is_wanted):
    """Time of a thread on the locks wanted."""
    return sum(wait["duration_ns"] for lock, wait in waits_by_lock(trace, thread)
               if is_wanted(lock))


def workers(trace):
    """Rows of all threads but the first of each process, in the order of their birth."""
    return [thread for thread in trace.threads if thread["tid"] != thread["pid"]]


def main_thread(trace):
    return next(thread for thread in trace.threads if thread["tid"] == thread["pid"])


def alive(thread):
    return thread["lifetime_ns"]
