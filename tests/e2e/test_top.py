#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The live view: one frame as text, and driven by keys in a terminal of 80 × 24."""

import re
import shutil
import subprocess
import time

import harness
from harness import CONVOY, Skip, case, check, convoy, workload

FRAME = re.compile(r"^ *(\d+) +(.{15,17}?) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) ([#+!.o -]{24})$")


def rows(text):
    """(pid, name, run, ready, lock, idle, other, bar) of each row of a frame."""
    found = (FRAME.match(line) for line in text.splitlines())
    return [(int(match[1]), match[2].strip(), *map(int, match.groups()[2:7]), match[8])
            for match in found if match]


class Running:
    """A workload that runs while something is tried on it."""

    def __init__(self, *argv):
        self.process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)

    def __enter__(self):
        time.sleep(0.3)
        return self.process.pid

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@case
def one_frame_for_scripts():
    with Running(workload("w_spin"), "--threads", "3", "--ms", "20000") as pid:
        result = convoy("top", "--once", "-p", str(pid))
    check(result.status == 0, result.stderr)
    check(max(map(len, result.stdout.splitlines())) <= 80, f"wider than 80:\n{result.stdout}")
    seen = [row for row in rows(result.stdout) if row[0] != pid]
    check(len(seen) >= 3, f"too few threads:\n{result.stdout}")
    for row in seen:
        check(97 <= sum(row[2:7]) <= 103, f"shares do not add up: {row}")
    busy = sum(row[2] + row[3] for row in seen)
    check(busy >= 280, f"three busy threads want three CPUs, not {busy} %:\n{result.stdout}")


@case
def contended_locks_are_there():
    with Running(workload("w_mutex"), "--threads", "3", "--rounds", "100000") as pid:
        result = convoy("top", "--once", "-p", str(pid))
    check("mutex" in result.stdout, f"no lock:\n{result.stdout}")
    check(any(row[4] > 20 for row in rows(result.stdout)), f"nobody waits:\n{result.stdout}")


@case
def what_cannot_be_watched_is_said():
    result = convoy("top")
    check(result.status == 2 and "--once" in result.stderr, result.stderr)
    result = convoy("top", "--once", "-p", "999999999")
    check(result.status == 2 and "999999999" in result.stderr, result.stderr)


def tmux(*argv):
    return subprocess.run(("tmux", "-L", "convoy-test", *argv), capture_output=True, text=True,
                          check=False).stdout


def screen():
    return tmux("capture-pane", "-p", "-t", "top")


def wait_for(what, patience=15):
    """The screen once it shows it."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if what in screen():
            return screen()
        time.sleep(0.1)
    raise AssertionError(f"'{what}' never came:\n{screen()}")


@case
def keys_in_a_terminal():
    if not shutil.which("tmux"):
        raise Skip("tmux is not installed")
    with Running(workload("w_spin"), "--threads", "2", "--ms", "60000") as pid:
        tmux("new-session", "-d", "-s", "top", "-x", "80", "-y", "24",
             f"env TERM=screen {CONVOY} top -p {pid}; echo left with $?; sleep 30")
        try:
            check(str(pid) in wait_for("by RUN"), screen())
            tmux("send-keys", "-t", "top", "s")
            wait_for("by READY")
            tmux("send-keys", "-t", "top", "f")
            wait_for("FROZEN")
            tmux("send-keys", "-t", "top", "f")
            tmux("send-keys", "-t", "top", "h")
            wait_for("keys of convoy top")
            tmux("send-keys", "-t", "top", "h")
            tmux("send-keys", "-t", "top", "Down")
            tmux("send-keys", "-t", "top", "Enter")
            wait_for(f"of process {pid}: now")
            tmux("resize-window", "-t", "top", "-x", "60", "-y", "10")
            wait_for("conv…")
            tmux("send-keys", "-t", "top", "q")
            wait_for("left with 0")
        finally:
            tmux("kill-server")


@case
def the_end_of_the_target_ends_the_view():
    if not shutil.which("tmux"):
        raise Skip("tmux is not installed")
    with Running(workload("w_spin"), "--threads", "2", "--ms", "4000") as pid:
        tmux("new-session", "-d", "-s", "top", "-x", "80", "-y", "24",
             f"{CONVOY} top -p {pid}; echo left with $?; sleep 30")
        try:
            wait_for("left with 0", patience=30)
        finally:
            tmux("kill-server")


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


@case
def threads_that_come_and_go_leave_nothing():
    if not shutil.which("tmux"):
        raise Skip("tmux is not installed")
    births = f"while {workload('w_threads')} --count 2000; do :; done"
    with Running("sh", "-c", births) as pid:
        tmux("new-session", "-d", "-s", "top", "-x", "80", "-y", "24",
             f"exec {CONVOY} top -p {pid}")
        try:
            wait_for("by RUN")
            top = int(tmux("display-message", "-p", "-t", "top", "#{pane_pid}"))
            time.sleep(2)
            before = resident_kib(top)
            time.sleep(3)
            grown = resident_kib(top) - before
        finally:
            tmux("kill-server")
    check(grown < 4096, f"{grown} KiB more after three seconds")
    return f"{grown} KiB more after three seconds"


if __name__ == "__main__":
    harness.main()
