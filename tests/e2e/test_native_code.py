#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Native code under Python threads: one that keeps the GIL is found out, with its thread and its
function; the same that lets go of it leaves nothing to wait for. Through ctypes and Cython."""

import json
import os
import shutil
import subprocess

import harness
import pythons
from harness import MS, Skip, case, check, convoy, timely, unready

# Counts for so many milliseconds of the thread's own CPU time: a machine that is slow makes it no
# shorter than two switch intervals.
LIBRARY = """
#include <time.h>
void count_for(long ms)
{
	struct timespec now, end;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	end.tv_sec += (end.tv_nsec + ms * 1000000) / 1000000000;
	end.tv_nsec = (end.tv_nsec + ms * 1000000) % 1000000000;
	do {
		for (volatile int i = 0; i < 10000; i++) {}
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while (now.tv_sec < end.tv_sec ||
		 (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
}
"""

# PyDLL calls with the GIL held, CDLL without it.
CTYPES = """
import ctypes, sys, threading
library = getattr(ctypes, sys.argv[1])(sys.argv[2])
def keeper():
    for _ in range(8): library.count_for(ctypes.c_long(60))
threads = [threading.Thread(target=keeper) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""

MODULE = """# cython: language_level=3
cdef extern void count_for(long ms) nogil
def holding():
    count_for(60)
def releasing():
    with nogil: count_for(60)
"""

CYTHON = """
import sys, threading
sys.path.insert(0, sys.argv[2])
import native
function = getattr(native, sys.argv[1])
def keeper():
    for _ in range(8): function()
threads = [threading.Thread(target=keeper) for _ in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def build(name, *words):
    """Compiles in the folder of the case; the path of what came out."""
    path = os.path.join(harness.folder, name)
    result = subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", path, *words], check=False,
                            cwd=harness.folder, capture_output=True, encoding="utf-8")
    check(result.returncode == 0, result.stderr)
    return path


def write(name, text):
    path = os.path.join(harness.folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def findings(trace):
    result = convoy("report", trace.path, "--format", "json")
    check(result.status == 0, result.stderr)
    return {finding["id"]: finding for finding in json.loads(result.stdout)["findings"]}


def gil_waits(trace):
    return sum(pythons.waited(trace, thread, pythons.is_gil) for thread in pythons.workers(trace))


def check_keeps(what, trace, name, function):
    """Two threads in native code that keeps the GIL: one waits while the other is deaf."""
    workers = pythons.workers(trace)
    ran = sum(thread["running_ns"] for thread in workers)
    check(gil_waits(trace) >= 0.6 * ran, f"{what}: {gil_waits(trace)} ns waited, {ran} ns ran")
    found = findings(trace).get("holder-native")
    check(found, f"{what}: nothing is said of native code: {list(findings(trace))}")
    check(f"'{name}" in found["says"], f"{what}: {found['says']}")
    # Which function it is takes three looks in time; another one would be false.
    timely("that keeps it: " in found["says"], f"{what}: {found['says']}")
    check(f": {function}." in found["says"], f"{what}: {found['says']}")
    evidence = found["evidence"]
    check(evidence["holder"] in {thread["thread"] for thread in workers}, f"{what}: {evidence}")
    timely(evidence["wait_ns"] >= 0.5 * gil_waits(trace), f"{what}: {evidence}")


def check_lets_go(what, trace):
    """Next to no wait for the GIL, whatever the machine does meanwhile."""
    workers = pythons.workers(trace)
    ran = sum(thread["running_ns"] for thread in workers)
    late = sum(unready(thread) for thread in workers)
    timely(gil_waits(trace) <= 0.02 * ran + 0.1 * late + 2 * MS,
           f"{what}: {gil_waits(trace)} ns waited, {ran} ns ran")
    check("holder-native" not in findings(trace), f"{what}: {findings(trace)}")
    return f"{100 * gil_waits(trace) / ran:.2f} %"


@case
def native_code_that_keeps_the_gil_is_named():
    if not shutil.which("gcc"):
        raise Skip("gcc is not installed")
    library = build("libcount.so", write("count.c", LIBRARY))
    wanted = pythons.unlike(lambda python: python.kind == "CPython" and python.has_gil and
                            (3, 8) <= python.version <= (3, 13))
    figures = []
    for python in wanted:
        _, trace = pythons.run(python, CTYPES, "PyDLL", library)
        check_keeps(python.name, trace, "keeper ", "count_for() of libcount.so")
        _, trace = pythons.run(python, CTYPES, "CDLL", library)
        figures.append(f"{python.name}: {check_lets_go(python.name, trace)} without it")
    return ", ".join(figures)


@case
def cython_with_nogil_waits_for_no_gil():
    includes = subprocess.run(["/usr/bin/python3", "-c", "import sysconfig; "
                               "print(sysconfig.get_path('include'))"], check=True,
                              capture_output=True, encoding="utf-8").stdout.strip()
    cython = shutil.which("cython3")
    if not cython:
        raise Skip("cython3 is not installed")
    if not os.path.exists(os.path.join(includes, "Python.h")):
        raise Skip("python3-dev is not installed")
    subprocess.run([cython, "-o", os.path.join(harness.folder, "native.c"),
                    write("native.pyx", MODULE)], check=True, capture_output=True)
    build("native.so", "-I" + includes, "native.c", write("count.c", LIBRARY))
    python = pythons.identify("/usr/bin/python3")
    _, trace = pythons.run(python, CYTHON, "holding", harness.folder)
    check_keeps("holding", trace, "keeper ", "count_for() of native.so")
    _, trace = pythons.run(python, CYTHON, "releasing", harness.folder)
    return f"{check_lets_go('releasing', trace)} with nogil"


harness.main()
