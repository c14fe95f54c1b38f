#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Two observations side by side: sums that add up, what came and went, what is noise; as text,
JSON and a page in a real browser."""

import json
import os
import re
import subprocess

import harness
from harness import case, check, convoy, record, workload
from pages import (HOSTILE, check_fits, check_harmless, check_numbers, check_silent, check_sum,
                   numbers_of, open_page, poison)
from schemas import check_valid, validator

SECTIONS = ["A and B, side by side", "Why: the bill", "Where the CPUs went",
            "What changed: locks and other futexes", "What changed: threads", "Look closer",
            "Timeline", "What the end had to wait for", "Locks and other futexes", "Threads"]


def saved(name, *argv):
    """A trace of a workload, and the directory it is in."""
    record(*argv, name=name)
    return os.path.join(harness.folder, name)


def compared(before, after):
    result = convoy("compare", "--format", "json", before, after)
    check(result.status == 0, result.stderr)
    return json.loads(result.stdout)


def countdown(name, *options):
    path = os.path.join(harness.folder, name)
    result = convoy("countdown", "--python", "/usr/bin/python3", "-q", "-o", path, *options)
    check(result.status == 0, result.stderr)
    return path


def check_sums(pair):
    """The lines sum to the difference of the walls, the causes to their line."""
    walls = {row["name"]: row["representative"]["wall_ns"] for row in pair["variants"]}
    for bill in pair["bills"]:
        check(bill["total_ns"] == walls[bill["to"]] - walls[bill["from"]], str(walls))
        check(sum(line["ns"] for line in bill["lines"]) == bill["total_ns"], str(bill))
        for line in bill["lines"]:
            if line["causes"]:
                check(sum(cause["ns"] for cause in line["causes"]) == line["ns"], str(line))


@case
def a_trace_with_itself_is_the_same():
    trace = saved("same", workload("w_mutex"))
    pair = compared(trace, trace)["comparisons"][0]
    check_sums(pair)
    check(pair["bills"][0]["total_ns"] == 0, str(pair["bills"][0]))
    for row in pair["locks"] + pair["threads"]:
        check(row["before"] == row["after"], str(row))


@case
def what_came_and_went_is_said():
    before, after = saved("mutex", workload("w_mutex")), saved("sleep", workload("w_sleep"))
    pair = compared(before, after)["comparisons"][0]
    check_sums(pair)
    gone = [row["name"] for row in pair["locks"] if row["after"] is None]
    check(any("mutex" in name for name in gone), f"no mutex is gone: {gone}")
    text = convoy("compare", before, after).stdout
    check("gone" in text and "spread unknown" in text, text)
    check(max(map(len, text.splitlines())) <= 80, f"wider than 80 columns:\n{text}")


@case
def threads_are_matched_by_name_and_birth():
    before, after = saved("first", workload("w_mutex")), saved("second", workload("w_mutex"))
    pair = compared(before, after)["comparisons"][0]
    names = [row["name"] for row in pair["threads"]]
    check(len(names) == len(set(names)) and len(names) >= 3, str(names))
    check(all(row["before"] and row["after"] for row in pair["threads"]), str(pair["threads"]))
    joins = [row for row in pair["locks"] if row["name"].startswith("join")]
    check(joins and all(row["before"] and row["after"] for row in joins), str(pair["locks"]))


@case
def json_is_as_its_schema_says():
    checker = validator("compare")
    traces = saved("busy", workload("w_mutex")), saved("idle", workload("w_sleep"))
    check_valid(checker, compared(*traces), "two traces")
    counts = [countdown(name, "--count", "300000", "--rounds", rounds)
              for name, rounds in (("twice", "2"), ("once", "1"))]
    document = compared(*counts)
    check_valid(checker, document, "two countdowns")
    document["comparisons"][0]["threads"][0]["verdict"] = 1
    check(list(checker.iter_errors(document)), "a spoiled comparison is valid")


def stripped(program):
    """A copy without symbols."""
    path = os.path.join(harness.folder, os.path.basename(program) + "-stripped")
    subprocess.run(["strip", "-o", path, program], check=True)
    os.chmod(path, 0o755)
    return path


@case
def heap_locks_are_matched_by_call_site():
    matched = []
    for program, site in ((workload("w_cache"), r"mutex in cache_get\(\) of "),
                          (stripped(workload("w_cache")), r"mutex in [\w-]+\+0x")):
        before, after = (saved(f"{name}{len(matched)}", program, "--entries", "16")
                         for name in ("before", "after"))
        addresses = [{row["address"] for row in harness.Trace(path).locks
                      if re.match(site, row["name"])} for path in (before, after)]
        check(all(addresses) and not addresses[0] & addresses[1], f"addresses {addresses}")
        rows = [row for row in compared(before, after)["comparisons"][0]["locks"]
                if re.match(site, row["name"])]
        check(rows and all(row["before"] and row["after"] for row in rows), str(rows))
        matched.append(len(rows))
    return f"{matched[0]} rows by function, {matched[1]} by offset"


def page_of(before, after):
    """Writes the page of a comparison: its path."""
    result = convoy("compare", before, after, "--format", "html")
    check(result.status == 0, result.stderr)
    path = os.path.join(harness.folder, "compare.html")
    with open(path, "wb") as file:
        file.write(result.raw_stdout)
    return path


def headings(chromium):
    return chromium.run("return [...document.querySelectorAll('h2')].map((e) => e.textContent)")


def texts(chromium, selector):
    return chromium.run("return [...document.querySelectorAll(arguments[0])].map("
                        "(e) => e.textContent)", selector)


@case
def page_of_two_traces_shows_the_numbers_of_the_json():
    before = saved("slow", workload("w_mutex"), "--rounds", "10")
    after = saved("fast", workload("w_mutex"), "--rounds", "5", "--own")
    data, page = compared(before, after), page_of(before, after)
    chromium, _ = open_page(page)
    check(headings(chromium) == SECTIONS + ["Trust"], str(headings(chromium)))
    says = texts(chromium, ".says")
    check(says == [data["comparisons"][0]["findings"][0]["says"]], f"the page says {says}")
    check("One run each: spread unknown." in says[0], says[0])
    count = check_numbers(chromium, numbers_of(data))
    check_sum(chromium)
    main = texts(chromium, "main")[0]
    check(before in main and after in main and "gone" in main, "a path or what is gone is missing")
    check_silent(chromium)
    return f"{count} numbers, {check_fits(page)}"


@case
def page_of_two_countdowns_shows_every_variant():
    before = countdown("before", "--count", "1000000", "--rounds", "2")
    after = countdown("after", "--count", "1000000", "--rounds", "2", "--variant", "threads,io")
    data, page = compared(before, after), page_of(before, after)
    names = [row["title"] for row in data["comparisons"]]
    check(sorted(names) == ["serial", "threads"], f"compared: {names}")
    only = data["before"]["only"] + data["after"]["only"]
    check(sorted(only) == ["io", "io-serial", "processes"], f"only in one: {only}")
    for pair in data["comparisons"]:
        check_sums(pair)
    chromium, _ = open_page(page)
    check(headings(chromium) == ["In short"] + 2 * SECTIONS + ["Trust"], str(headings(chromium)))
    says = texts(chromium, ".says")
    check(says == [row["findings"][0]["says"] for row in data["comparisons"]], f"{says}")
    check(texts(chromium, "header.part") == names, str(texts(chromium, "header.part")))
    count = check_numbers(chromium, numbers_of(data))
    check(check_sum(chromium) == 2, "not one bill for each variant")
    check_silent(chromium)
    return f"{count} numbers"


@case
def other_work_is_no_difference():
    before = countdown("few", "--count", "500000", "--rounds", "2", "--variant", "serial")
    after = countdown("many", "--count", "2000000", "--rounds", "2", "--variant", "serial")
    pair = compared(before, after)["comparisons"][0]
    check(pair["findings"][0]["id"] == "other-work", str(pair["findings"]))
    check(pair["variants"][1]["measurable"] is False, str(pair["variants"][1]["measurable"]))
    text = convoy("compare", before, after).stdout
    check("Not the same work: A counted to 1,000,000 in all, B to 4,000,000" in text, text)
    check("faster" not in text.replace("is faster", ""), text)


@case
def no_name_runs():
    before = saved("plain", workload("w_names"), "--ms", "20")
    after = saved("poisoned", workload("w_names"), "--ms", "20")
    poison(after)
    check_harmless(page_of(before, after), HOSTILE)
    poison(before)
    check_harmless(page_of(before, after), HOSTILE)


@case
def what_is_no_trace_is_said():
    trace = saved("alone", workload("w_sleep"))
    for argv, word in (((trace, "/nowhere"), "/nowhere"), ((trace,), "DIR DIR"),
                       ((trace, harness.folder), harness.folder)):
        result = convoy("compare", *argv)
        check(result.status == 2 and word in result.stderr and not result.stdout, result.stderr)


if __name__ == "__main__":
    harness.main()
