# SPDX-License-Identifier: GPL-2.0-only
"""What `convoy top` needs itself while it watches, from the kernel's account of its process."""

import os
import pty
import select
import signal
import subprocess
import threading
import time

import timing
from overhead import PYTHON, Row
from timing import CONVOY, workload


class Terminal:
    """A terminal of 80 × 24 in which `convoy top` runs; what it draws is thrown away."""

    def __init__(self, *argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.environ["LINES"], os.environ["COLUMNS"] = "24", "80"
            os.execv(CONVOY, [CONVOY, "top", *map(str, argv)])
        self.drawn = 0
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                select.select([self.fd], [], [])
                self.drawn += len(os.read(self.fd, 65536))
            except OSError:
                return

    def cpu_ns(self):
        with open(f"/proc/{self.pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[0])

    def close(self):
        os.write(self.fd, b"q")
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return status


def watch(seconds, *argv):
    """Share of one CPU that `convoy top` used, in percent, once it was under way."""
    top = Terminal(*argv)
    deadline = time.monotonic() + 30
    while not top.drawn and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(2)
    begin, begin_ns = time.monotonic(), top.cpu_ns()
    time.sleep(seconds)
    used_ns, passed = top.cpu_ns() - begin_ns, time.monotonic() - begin
    if top.close() or not used_ns:
        raise timing.Failed("convoy top did not go on looking")
    return 100 * used_ns / 1e9 / passed


def switches(pid):
    """Of all threads of a process so far."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status", encoding="utf-8") as file:
            total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return total


SLEEPERS = """
import threading, time
for _ in range(8):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
time.sleep(1000)
"""


def idle_share(seconds):
    """Of a host that does nothing as its busiest process: threads that sleep. Which processes of a
    shared machine are the busiest is chance."""
    sleepers = subprocess.Popen([PYTHON, "-c", SLEEPERS])
    try:
        time.sleep(0.5)
        return watch(seconds, "-p", sleepers.pid)
    finally:
        sleepers.kill()
        sleepers.wait()


def top(setup):
    seconds = int(setup.amount(20, 3))
    setup.progress("top: idle")
    idle = idle_share(seconds)
    load = subprocess.Popen([workload("w_pingpong"), "--turns", "1000000000", "--pin", "0"],
                            stdout=subprocess.DEVNULL)
    try:
        setup.progress("top: under load")
        time.sleep(0.5)
        begin, before = time.monotonic(), switches(load.pid)
        busy = watch(seconds, "-p", load.pid)
        rate = (switches(load.pid) - before) / (time.monotonic() - begin)
    finally:
        load.send_signal(signal.SIGKILL)
        load.wait()
    return [Row(f"`convoy top`, its targets idle: its own CPU over {seconds} s",
                "≤ 0.5 % of one CPU", f"{idle:.2f} %", idle <= 0.5),
            Row(f"the same, its targets switching {rate:,.0f} times a second",
                "≤ 5 % of one CPU", f"{busy:.2f} %", busy <= 5 if rate >= 1e5 else None)]
