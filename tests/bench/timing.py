# SPDX-License-Identifier: GPL-2.0-only
"""How the bench takes times: variants of one load in rounds, the order rotated, and medians. Not
for what is measured."""

import ctypes
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))

import arithmetic  # noqa: E402,F401
from harness import CONVOY, Trace, Truth, workload  # noqa: E402,F401


class Failed(Exception):
    """A run that gave no figure; the text says why."""


def run(argv, cwd, **options):
    """Runs a command to its end; the lines the workload printed on stdout."""
    result = subprocess.run([str(word) for word in argv], cwd=cwd, stdin=subprocess.DEVNULL,
                            capture_output=True, timeout=600, check=False, **options)
    if result.returncode != 0:
        lines = result.stderr.decode("utf-8", "replace").strip().splitlines() or ["no message"]
        raise Failed(f"status {result.returncode}: {lines[-1]}")
    return Truth(result.stdout.decode("utf-8", "replace"))


# A process begins with the peak memory of the one that made it: a small one makes it.
MEASURE = """
import os, sys, time
begin = time.monotonic()
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
_, status, use = os.wait4(pid, 0)
passed = time.monotonic() - begin
os.write(int(sys.argv[1]), b"%d %f %f %d" % (os.waitstatus_to_exitcode(status), passed,
                                             use.ru_utime + use.ru_stime, use.ru_maxrss * 1024))
"""


def measured(argv, cwd, stdout=subprocess.DEVNULL):
    """Runs a command to its end: (seconds by the clock, of CPU time, bytes of peak memory)."""
    reader, writer = os.pipe()
    with open(reader, "rb") as file:
        try:
            subprocess.run([sys.executable, "-I", "-c", MEASURE, str(writer), *map(str, argv)],
                           cwd=cwd, stdin=subprocess.DEVNULL, stdout=stdout, pass_fds=[writer],
                           check=True)
        finally:
            os.close(writer)
        status, passed, spent, memory = file.read().split()
    if int(status):
        raise Failed(f"status {int(status)}: {argv[0]}")
    return float(passed), float(spent), int(memory)


def run_beside(argv, peer, cwd):
    """Runs a command that a peer attaches to by its process id ("{pid}" in its arguments)."""
    load = subprocess.Popen(["sh", "-c", 'read go; exec "$@"', "sh", *argv], cwd=cwd,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    beside = subprocess.Popen([word.format(pid=load.pid) for word in peer], cwd=cwd,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(2)  # until its probes are in
    if beside.poll() is not None:
        load.kill()
        load.wait()
        raise Failed(beside.stderr.read().decode("utf-8", "replace").strip()[-200:])
    output = load.communicate(b"\n", timeout=600)[0]
    beside.send_signal(signal.SIGINT)
    beside.communicate(timeout=60)
    return Truth(output.decode("utf-8", "replace"))


def rounds(count, variants, progress):
    """{name: [figures]}, one of each variant a round, the order rotated. A variant is a function
    that returns a figure; one that fails leaves the contest, and its reason is its result."""
    names, results = list(variants), {name: [] for name in variants}
    for number in range(count):
        for place in range(len(names)):
            name = names[(place + number) % len(names)]
            if isinstance(results[name], str):
                continue
            progress(f"round {number + 1} of {count}: {name}")
            try:
                results[name].append(variants[name]())
            except (Failed, OSError, subprocess.TimeoutExpired, AssertionError) as reason:
                results[name] = str(reason).split("\n", 1)[0]
    return results


def ratios(results, name, bare="bare"):
    """Same-round ratios to the bare run, sorted; a text if there are none."""
    if isinstance(results[name], str) or isinstance(results[bare], str):
        return results[name] if isinstance(results[name], str) else results[bare]
    return sorted(one / other for one, other in zip(results[name], results[bare]))


def enable_bpf_statistics():
    """Run time of BPF programs is counted while this descriptor is open: it ends with us."""
    bpf_call, enable_statistics = {"x86_64": 321, "aarch64": 280}[platform.machine()], 32
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = ctypes.create_string_buffer(128)  # all 0: run time
    fd = libc.syscall(bpf_call, enable_statistics, attributes, len(attributes))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "cannot enable BPF statistics")
    return fd


def median_interval(values, level=0.95):
    """(median, low, high): order statistics that enclose the median with this probability."""
    values = sorted(values)
    rank, tail = 0, 0.0
    for below in range(len(values) // 2):
        tail += math.comb(len(values), below) / 2 ** len(values)
        if 2 * tail > 1 - level:
            break
        rank = below
    return statistics.median(values), values[rank], values[-1 - rank]
