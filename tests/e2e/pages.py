# SPDX-License-Identifier: GPL-2.0-only
"""What every page of convoy must do, looked at in a browser: show the numbers of the JSON, add up,
ask for nothing, fit its screen, and run nothing that a name brings along."""

import csv
import json
import os

from browser import browser
from harness import check

UNITS = {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}


def open_page(page, width=1200, scheme="light"):
    chromium = browser()
    chromium.size(width, scheme=scheme)
    drawn = chromium.open(page)
    return chromium, drawn


def check_silent(chromium):
    complaints, requests = chromium.complaints(), chromium.requests()
    check(not complaints, f"the console was told: {complaints}")
    check(not requests, f"the page asked for: {requests}")


def numbers_of(value):
    """All numbers in a JSON value, by size."""
    if isinstance(value, bool) or value is None:
        return set()
    if isinstance(value, (int, float)):
        return {abs(value)}
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return set().union(*(numbers_of(item) for item in value)) if value else set()
    return set()


def shown_value(text):
    """What a printed number says, and what one in its last digit is worth."""
    digits, _, unit = text.replace(",", "").replace("\u2212", "-").partition(" ")
    decimals = len(digits.partition(".")[2])
    scale = UNITS.get(unit, 10 if unit == "%" else 1)
    return float(digits) * scale, scale / 10 ** decimals


def check_numbers(chromium, numbers, what="the page"):
    shown = chromium.run("return [...document.querySelectorAll('[data-value]')].map("
                         "(e) => [Number(e.dataset.value), e.textContent])")
    check(len(shown) > 20, f"only {len(shown)} numbers on {what}")
    for value, text in shown:
        check(abs(value) in numbers, f"{what}: {value} ({text}) is not in the JSON")
        said, step = shown_value(text)
        check(abs(said - value) <= step * 1.001, f"{what}: '{text}' stands for {value}")
    return len(shown)


def check_sum(chromium):
    """Of each bill the printed lines add up to the printed total."""
    bills = chromium.run(
        "return [...document.querySelectorAll('.bars.bill')].map((b) => [...b.children]"
        ".filter((r) => !r.classList.contains('head'))"
        ".map((r) => [r.className, r.querySelector('.value').textContent]))")
    check(bills, "no bill on the page")
    for bill in bills:
        total, lines, causes = 0, 0, None
        for kind, text in bill:
            value, step = shown_value(text)
            if kind == "row total":
                total = value
            elif kind == "row sub":
                causes[1] += value
            else:
                lines += value
                causes = [value, 0]
        check(abs(total - lines) < step / 2, f"the lines do not add up: {bill}")
    return len(bills)


def settle(chromium):
    chromium.run_async("const done = arguments[arguments.length - 1];"
                       "requestAnimationFrame(() => requestAnimationFrame(() => done()))")


HOSTILE = ["</script><script>trip()</script>", "<img src=x onerror=trip()>", "<!--<script>",
           "\"><svg onload=trip()>", "'+trip()+'", "&lt;b&gt;${trip()}", "javascript:trip()",
           "\\xe2\\x80\\xae\\xe2\\x80\\xa8", "\\x1b[31m\\x1b]0;t\\x07", "{{trip()}}"]


def poison(path):
    """Hostile names for all threads, locks and words of the command."""
    for name, columns in (("threads.csv", ("name", "comm")), ("locks.csv", ("name", "evidence"))):
        file_name = os.path.join(path, name)
        with open(file_name, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        for number, row in enumerate(rows):
            for column in columns:
                short = column == "comm" and len(HOSTILE[number % len(HOSTILE)]) > 15
                row[column] = "<b>x</b>" if short else HOSTILE[number % len(HOSTILE)]
        with open(file_name, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    with open(os.path.join(path, "meta.json"), encoding="utf-8") as file:
        meta = json.load(file)
    meta["command"] = [word.replace("\\x", "") for word in HOSTILE]
    meta["left_behind"] = [f"1 {word}" for word in meta["command"]]
    with open(os.path.join(path, "meta.json"), "w", encoding="utf-8") as file:
        json.dump(meta, file)


def check_harmless(page, names, look=None):
    """Opens a page made of hostile names: all of them are text, none of them does anything."""
    chromium = browser()
    chromium.size(1200)
    tripwire = chromium.cdp("Page.addScriptToEvaluateOnNewDocument", source=(
        "window.trips = 0; window.trip = () => { window.trips++; };"))
    chromium.open(page)
    if look:
        look(chromium)
    chromium.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=tripwire["identifier"])
    count = chromium.run(
        "const all = (tag) => document.getElementsByTagName(tag).length;"
        "return {trips: window.trips, scripts: all('script'), others: all('img') + all('b') -"
        " document.querySelectorAll('h1 b, li b, .value b').length + all('iframe'),"
        " onload: document.querySelectorAll('[onload], [onerror], [href]:not([rel])').length,"
        " text: document.querySelector('main').textContent, title: document.title}")
    text = count.pop("text") + count.pop("title")
    check(count == {"trips": 0, "scripts": 2, "others": 0, "onload": 0}, f"{count}")
    for name in names:
        check(name in text, f"'{name}' is not shown as it is")
    bad = [sign for sign in text
           if sign in "\u202e\u2028\u2029\x1b\x07" or 127 <= ord(sign) < 160]
    check(not bad, f"raw signs on the page: {bad}")
    check_silent(chromium)


def check_fits(page):
    """On a phone, a tablet, a desk, light and dark, and on paper."""
    sizes = []
    for width in (360, 800, 1400):
        colors = set()
        for scheme in ("light", "dark"):
            chromium, _ = open_page(page, width, scheme)
            over = chromium.run("return document.documentElement.scrollWidth - innerWidth")
            check(over <= 0, f"{over} pixels too wide at {width}")
            colors.add(chromium.run("return getComputedStyle(document.body).backgroundColor"))
            sizes.append(len(chromium.screenshot()))
            check_silent(chromium)
        check(len(colors) == 2, f"light and dark look the same: {colors}")
    check(min(sizes) > 10000, f"an empty picture: {sizes} bytes")
    pdf = chromium.print_pdf()
    check(pdf.startswith(b"%PDF") and len(pdf) > 10000, f"{len(pdf)} bytes of PDF")
    return f"PDF {len(pdf) // 1024} KiB"
