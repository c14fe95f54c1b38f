#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The HTML report in a real browser: it opens without a complaint, asks for nothing, shows the
numbers of the JSON, answers to the hand, and runs nothing that a name brings along."""

import itertools
import glob
import json
import math
import os
import re
import resource
import shutil
import sys
import time

import harness
from browser import browser, move, press, release
from harness import MS, Skip, case, check, convoy, workload
from pages import (HOSTILE, check_fits, check_harmless, check_numbers, check_silent, check_sum,
                   numbers_of, open_page, poison, settle, shown_value)

MIB = 1024 * 1024
SECTIONS_RUN = ["How many threads ran at a time", "Where the time went", "Where the CPUs went",
                "What if", "Timeline", "What the end had to wait for", "Locks and other futexes",
                "Threads", "Trust"]
SECTIONS_COUNTDOWN = ["The same work, side by side", "Why: the bill", "Where the CPUs went",
                      "What if", "Look closer", "Timeline", "What the end had to wait for",
                      "Locks and other futexes", "Threads", "Trust"]


def report(path, kind):
    result = convoy("report", path, "--format", kind)
    check(result.status == 0, f"status {result.status}\n{result.stderr}")
    return result.raw_stdout


def page_of(path, where=None):
    """Writes the page of a trace, beside it or in a folder; its path and its JSON."""
    page = (path if where is None else os.path.join(where, os.path.basename(path))) + ".html"
    with open(page, "wb") as file:
        file.write(report(path, "html"))
    return page, json.loads(report(path, "json"))


def record(*argv, name="trace"):
    path = os.path.join(harness.folder, name)
    result = convoy("run", "-o", path, "--", *argv)
    check(result.status == 0, f"status {result.status}\n{result.stderr}")
    return path


def check_sections(chromium, expected):
    """On a busy machine a lock may cost too little to ask what would be without it."""
    found = chromium.run("return [...document.querySelectorAll('h2')].map((e) => e.textContent)")
    asked = [name for name in expected if name in found or name != "What if"]
    check(found == asked, f"sections: {found}")


@case
def page_of_a_run_shows_the_numbers_of_the_json():
    page, data = page_of(record(workload("w_mutex"), "--threads", "3", "--rounds", "10"))
    chromium, _ = open_page(page)
    check_sections(chromium, SECTIONS_RUN)
    says = chromium.run("return document.querySelector('.finding .says').textContent")
    check(says == data["findings"][0]["says"], f"the page says: {says}")
    count = check_numbers(chromium, numbers_of(data))
    names = chromium.run("return document.querySelector('main').textContent")
    check("mutex" in names, "no mutex on the page")
    check_silent(chromium)
    return f"{count} numbers"


@case
def page_of_a_countdown_shows_every_variant():
    path = os.path.join(harness.folder, "count")
    result = convoy("countdown", "--python", "/usr/bin/python3", "--count", "3000000", "--rounds",
                    "2", "-o", path, "-q")
    check(result.status == 0, f"status {result.status}\n{result.stderr}")
    page, data = page_of(path)
    chromium, _ = open_page(page)
    check_sections(chromium, SECTIONS_COUNTDOWN)
    count = check_numbers(chromium, numbers_of(data))
    bills = check_sum(chromium)
    check(bills == len(data["bills"]), f"{bills} bills of {len(data['bills'])}")
    names = [variant["name"] for variant in data["variants"]]
    tabs = chromium.run("return [...document.querySelectorAll('[role=tab]')].map((tab) => {"
                        "tab.click(); return [tab.textContent, tab.getAttribute('aria-selected'),"
                        "document.querySelectorAll('canvas').length]})")
    check(tabs == [[name, "true", 1] for name in names], f"tabs: {tabs}")
    check_silent(chromium)
    return f"{count} numbers, {bills} bills"


@case
def page_of_every_hand_written_trace_shows_its_numbers():
    count = 0
    for meta in sorted(glob.glob(os.path.join(harness.TOP, "tests", "traces", "*", "meta.json"))):
        path = os.path.dirname(meta)
        page, data = page_of(path, harness.folder)
        chromium, _ = open_page(page)
        count += check_numbers(chromium, numbers_of(data), os.path.basename(path))
        check_silent(chromium)
    check(count > 1000, f"only {count} numbers")
    return f"{count} numbers"


@case
def page_of_a_run_without_slices_says_how_long_threads_ran():
    """The totals are exact; how many ran at a time is not known."""
    path = os.path.join(harness.folder, "trace")
    result = convoy("run", "--max-size", "4K", "-o", path, "--", workload("w_mutex"))
    check(result.status == 0, f"status {result.status}\n{result.stderr}")
    page, data = page_of(path)
    ran = sum(thread["running_ns"] for thread in data["threads"])
    check(data["covered_ns"] < data["wall_ns"] and ran > 100 * MS, f"{ran} ns ran")
    chromium, _ = open_page(page)
    shown = chromium.run("return [...document.querySelectorAll('header [data-value]')].map("
                         "(e) => Number(e.dataset.value))")
    check(shown == [data["wall_ns"], ran], f"the heading says {shown}, {ran} ns ran")
    check_numbers(chromium, numbers_of(data))


CAUSES_OF_A_LINE = """
const [line, ...parts] = arguments;
const rows = [], causes = parts.map((ns) => ({ name: 'cause', ns }));
addLine(rows, { name: 'gap', ns: parts.reduce((a, b) => a + b), causes }, 'gap', 0, line,
        { step: 1e6, decimals: 0, unit: 'ms' }, () => '--less', false);
return rows.filter((row) => row.kind === 'sub').map((row) => [row.ns, row.text]);"""


@case
def causes_of_a_rounded_line_move_less_than_a_step():
    """A line rounded up because its bill has to add up, of causes that add up to less: the page's
    own script, which keeps its functions to itself."""
    script = ""
    for name in ("format.js", "charts.js"):
        with open(os.path.join(harness.TOP, "user", "output", "page", name), encoding="utf-8") as f:
            script += f.read()
    chromium = browser()
    for line, *parts in ((18, 990045, 15600000, 600000), (17, 990045, 15600000, 600000),
                         (-7, -7550000, 300000, 400000)):
        rows = chromium.run(script + CAUSES_OF_A_LINE, line, *parts)
        said = [shown_value(text)[0] for _, text in rows]
        check(abs(sum(said) - line * MS) < 1, f"{rows} do not add up to {line} ms")
        for (value, text), ns in zip(rows, said):
            check(abs(ns - value) < MS, f"'{text}' stands for {value}")


def canvas(chromium):
    """Where the timeline is in the window, and its view in ns."""
    return chromium.run(
        "const c = document.querySelector('canvas');"
        "c.scrollIntoView({block: 'center', behavior: 'instant'});"
        "const r = c.getBoundingClientRect();"
        "return {x: r.x, y: r.y, width: r.width, height: r.height,"
        " from: Number(c.dataset.from), to: Number(c.dataset.to)}")


def details(chromium, where):
    pairs = chromium.run("return [...document.querySelectorAll(arguments[0] + ' dl > div')].map("
                         "(d) => [...d.children].map((e) => e.textContent))", where)
    return dict(pairs)


def exact_ns(text):
    return int(re.search(r"\(([\d,]+) ns\)", text)[1].replace(",", ""))


@case
def hover_tells_what_the_slices_say():
    path = record(workload("w_mutex"), "--threads", "3", "--rounds", "10")
    page, _ = page_of(path)
    trace = harness.Trace(path)
    known = {(row["duration_ns"], row["state"]) for row in trace.slices}
    chromium, _ = open_page(page)
    place = canvas(chromium)
    seen = {}
    for row in range(1, 4):
        for part in range(2, 20):
            chromium.pointer(move(place["x"] + 170 + (place["width"] - 170) * part / 20,
                                  place["y"] + 26 + 40 * row + 18))
            found = details(chromium, ".tip:not([hidden])")
            if "duration" not in found:
                continue
            duration = exact_ns(found["duration"])
            is_futex = found["state"] in ("lock", "condition", "join", "futex")
            check((duration, "futex" if is_futex else found["state"]) in known,
                  f"there is no such slice: {found}")
            seen[found["state"]] = found
    check("lock" in seen, f"no wait for the lock under the pointer: {sorted(seen)}")
    check("mutex" in seen["lock"]["lock"], f"{seen['lock']}")
    check("holder" in seen["lock"], f"{seen['lock']}")
    check_silent(chromium)
    return f"{len(seen)} states seen"


def span(chromium):
    settle(chromium)
    place = canvas(chromium)
    return place["to"] - place["from"]


@case
def the_view_answers_to_mouse_and_keys():
    page, data = page_of(record(workload("w_mutex"), "--threads", "3", "--rounds", "10"))
    chromium, _ = open_page(page)
    place, whole = canvas(chromium), data["wall_ns"]
    x, y = round(place["x"] + place["width"] / 2), round(place["y"] + 40)
    check(span(chromium) == whole, "the first view is not the whole time")
    chromium.wheel(x, y, -300)
    check(span(chromium) == whole, "the wheel zooms though the picture was not clicked")
    place = canvas(chromium)
    y = round(place["y"] + 40)
    chromium.pointer(move(x, y), press(), release())
    check("state" in details(chromium, ".picked"), "a click keeps nothing")
    chromium.wheel(x, y, -300)
    near = span(chromium)
    check(near < whole * 0.8, f"the wheel does not zoom: {near} of {whole}")
    before = canvas(chromium)["from"]
    chromium.pointer(move(x, y), press(), move(x - 100, y, 100), release())
    settle(chromium)
    after = canvas(chromium)
    check(after["from"] > before, "dragging does not pan")
    check(abs(after["to"] - after["from"] - near) < 2, "dragging zooms")
    chromium.keys("+")
    check(span(chromium) < near * 0.8, "the key + does not zoom")
    chromium.keys("0")
    check(span(chromium) == whole, "the key 0 does not show all")
    chromium.run("document.querySelector('button[aria-label=\"zoom in\"]').click()")
    check(span(chromium) < whole, "the button does not zoom")
    check_silent(chromium)


@case
def no_name_runs():
    path = record(workload("w_names"), "--ms", "20")
    poison(path)
    page, _ = page_of(path)

    def look(chromium):
        place = canvas(chromium)
        for row in range(6):
            chromium.pointer(move(place["x"] + place["width"] / 2, place["y"] + 30 + 30 * row))

    check_harmless(page, HOSTILE, look)


@case
def no_injected_script_may_run():
    page, _ = page_of(record(workload("w_sleep")))
    chromium, _ = open_page(page)
    ran = chromium.run(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
        "document.body.append(s); const d = document.createElement('div');"
        "d.innerHTML = '<img src=x onerror=\"window.ran = 2\"><p style=\"color:red\">';"
        "document.body.append(d); return window.ran || 0")
    time.sleep(0.2)
    ran = ran or chromium.run("return window.ran || 0")
    check(ran == 0, f"an injected script ran: {ran}")
    complaints = chromium.complaints()
    check(any("Content Security Policy" in text for text in complaints),
          f"the policy is silent: {complaints}")


@case
def words_are_explained_where_they_are_used():
    path = os.path.join(harness.folder, "gil")
    shutil.copytree(os.path.join(harness.TOP, "tests", "traces", "holder-native-silent"), path)
    page, _ = page_of(path)
    chromium, _ = open_page(page)
    terms = chromium.run("return document.querySelector('.terms').textContent")
    says = chromium.run("return document.querySelector('.finding').textContent")
    check("GIL" in says and "GIL: the global interpreter lock" in terms, f"{says}: {terms}")
    check("Hand-off:" not in terms, f"explained, but not used: {terms}")
    states = chromium.run("return [...document.querySelectorAll('.legend li')].map("
                          "(e) => e.textContent).filter((t) => /^(queued|lock)/.test(t))")
    check(states and all(": " in state for state in states), f"legends: {states}")
    check_silent(chromium)
    return "; ".join(sorted(set(states)))


@case
def the_page_fits_every_screen_and_paper():
    page, _ = page_of(record(workload("w_mutex"), "--threads", "3", "--rounds", "5"))
    return check_fits(page)


# How eyes that lack one kind of cone see linear RGB (Machado, Oliveira and Fernandes, 2009).
EYES = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no long cones": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                      (-0.003882, -0.048116, 1.051998)),
    "no middle cones": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                        (-0.011820, 0.042940, 0.968881)),
    "no short cones": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
                       (0.004733, 0.691367, 0.303900)),
}
XYZ = ((0.43390, 0.37624, 0.18991), (0.2126, 0.7152, 0.0722), (0.01772, 0.10947, 0.87294))


def times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector)) for row in matrix]


def lab(color, eye):
    """CIE Lab of #rrggbb as this eye sees it; XYZ relative to D65."""
    parts = [int(color[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
              for part in parts]
    seen = [min(1, max(0, part)) for part in times(EYES[eye], linear)]
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116
               for part in times(XYZ, seen))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@case
def states_differ_for_every_eye():
    with open(os.path.join(harness.TOP, "user/output/page/page.css"), encoding="utf-8") as file:
        light, dark = file.read().split("@media (prefers-color-scheme: dark)")
    least = 1000
    for scheme in (light, dark):
        colors = dict(re.findall(r"--s-(\w+): (#\w{6});", scheme))
        check(len(colors) == 13, f"colours of states: {sorted(colors)}")
        for name in ("unknown", "hole"):  # hatched
            del colors[name]
        for eye in EYES:
            seen = {name: lab(color, eye) for name, color in colors.items()}
            for one, other in itertools.combinations(seen, 2):
                apart = math.dist(seen[one], seen[other])
                check(apart > 12, f"{one} and {other} look alike with {eye}: {apart:.0f}")
                least = min(least, apart)
    return f"at least {least:.0f} apart"


PAN = """
const done = arguments[arguments.length - 1], c = document.querySelector('canvas');
c.focus();
(async () => {
  const times = [];
  for (let i = 0; i < 40; i++) {
    const began = performance.now();
    c.dispatchEvent(new WheelEvent('wheel', {deltaX: i % 2 ? 60 : -60, cancelable: true}));
    await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
    times.push(performance.now() - began);
  }
  done(times.sort((a, b) => a - b));
})();
"""


def children_cpu():
    """A busy machine makes everything slower, but takes no more CPU time."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@case
def a_million_slices_are_small_and_smooth():
    path = record(workload("w_pingpong"), "--turns", "250000", name="many")
    with open(os.path.join(path, "slices.csv"), "rb") as file:
        slices = sum(1 for _ in file) - 1
    if slices < 1000000:
        raise Skip(f"the workload made only {slices} slices")
    page, before = path + ".html", children_cpu()
    with open(page, "wb") as file:
        file.write(report(path, "html"))
    written, size = children_cpu() - before, os.path.getsize(page)
    check(size <= 8 * MIB, f"{size / MIB:.1f} MiB")
    check(written <= 3, f"written in {written:.1f} s of CPU time")
    chromium, drawn = open_page(page, 1400)
    drawn = min([drawn] + [chromium.open(page) for _ in range(2)])
    check(drawn <= 2000, f"first picture after {drawn:.0f} ms")
    frames = []
    for zoom in range(3):
        frames += chromium.run_async(PAN)
        chromium.keys("++++")
    frames.sort()
    median = frames[len(frames) // 2]
    check(median <= 33, f"{median:.0f} ms a frame")
    check_silent(chromium)
    return (f"{slices} slices, {size / MIB:.1f} MiB, written in {written:.1f} s of CPU, "
            f"picture after {drawn:.0f} ms, {median:.0f} ms a frame, worst {frames[-1]:.0f}")


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    harness.main()
