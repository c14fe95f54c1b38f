# SPDX-License-Identifier: GPL-2.0-only
"""What a saved trace costs afterwards: to analyse, as a page, as a Perfetto file."""

import os

import browser
import perfetto_wire
import timing
from harness import Skip
from overhead import Row
from test_html import PAN
from timing import CONVOY, workload

MIB = 1 << 20


def record(setup, name, *load):
    """A trace of a load: (its directory, the number of its slices)."""
    path = setup.file(name)
    setup.progress(f"reports: recording {name}")
    timing.run([CONVOY, "run", "-q", "-o", path, "--report", "/dev/null", "--", *load],
               setup.folder)
    with open(os.path.join(path, "slices.csv"), "rb") as file:
        return path, sum(1 for _ in file) - 1


def pingpong(setup, name, turns, quick):
    return record(setup, name, workload("w_pingpong"), "--turns", setup.amount(turns, quick),
                  "--pin", "0")


def report(path, form, target):
    """Writes a report: (seconds by the clock, of CPU time, peak memory in MiB)."""
    with open(target, "wb") as file:
        passed, spent, memory = timing.measured([CONVOY, "report", path, "--format", form],
                                                os.path.dirname(target), file)
    return passed, spent, memory / MIB


def analysis(setup):
    """Two kinds: threads that only pass a futex to and fro, and locks that are contended, for
    which the run is played again without each."""
    rows = []
    for name, (path, slices) in {
            "ping-pong": pingpong(setup, "volume", 2000000, 20000),
            "contended lock": record(setup, "contended", workload("w_mutex"), "--threads", "16",
                                     "--rounds", setup.amount(105000, 500), "--hold-us", "20"),
    }.items():
        passed, used, memory = report(path, "text", os.devnull)
        rows.append(Row(f"analysis of {slices:,} slices, {name}", "≤ 10 s, ≤ 256 MiB",
                        f"{passed:.1f} s ({used:.1f} s of CPU), {memory:.0f} MiB",
                        passed <= 10 and memory <= 256 if slices >= 1e7 else None))
        setup.file(name)
    return rows


def page(setup):
    path, slices = pingpong(setup, "page", 220000, 5000)
    target = setup.file("page.html")
    passed, used, _ = report(path, "html", target)
    size, what = os.path.getsize(target) / MIB, f"page of {slices:,} slices"
    is_full = slices >= 1e6
    rows = [Row(f"{what}, size", "≤ 8 MiB", f"{size:.1f} MiB", size <= 8 if is_full else None),
            Row(f"{what}, time to write", "≤ 3 s", f"{passed:.1f} s ({used:.1f} s of CPU)",
                passed <= 3 if is_full else None)]
    try:
        rows += look(target, what, is_full)
    except Skip as reason:
        rows.append(Row(f"{what}, in Chromium", "≤ 2 s, ≤ 33 ms", f"not measured: {reason}"))
    return rows


def look(target, what, is_full):
    chromium = browser.browser()
    chromium.size(1400)
    drawn = sorted(chromium.open(target) for _ in range(3))[1] / 1000
    frames = []
    for _ in range(3):
        frames += chromium.run_async(PAN)
        chromium.keys("++++")
    frames.sort()
    middle = frames[len(frames) // 2]
    return [Row(f"{what}, first picture in Chromium", "≤ 2 s", f"{drawn:.2f} s",
                drawn <= 2 if is_full else None),
            Row(f"{what}, a frame while panning", "≤ 33 ms",
                f"{middle:.0f} ms (19 of 20 within {frames[len(frames) * 19 // 20]:.0f} ms)",
                middle <= 33 if is_full else None)]


def perfetto(setup):
    rows = []
    for what, (path, slices) in {
            "ping-pong": pingpong(setup, "short", 20000, 2000),
            "contended lock": record(setup, "lock", workload("w_mutex"), "--threads", "4",
                                     "--rounds", setup.amount(5000, 500), "--hold-us", "20"),
    }.items():
        target = setup.file("trace.pftrace")
        report(path, "perfetto", target)
        with open(target, "rb") as file:
            data = file.read()
        drawn = perfetto_wire.Trace(data)
        states, whole = drawn.state_bytes / slices, len(data) / slices
        rows.append(Row(f"Perfetto file, bytes a slice, {what}, states alone", "≤ 24",
                        f"{states:.1f}", states <= 24))
        rows.append(Row(f"the same with names, counters and {len(drawn.arrows()):,} arrows",
                        "≤ 24", f"{whole:.1f}", whole <= 24))
    return rows
