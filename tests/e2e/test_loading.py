#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Every command of tools/docs/loading.md, run as it stands there on a measured trace, with the tool
it is for where that is installed; what it finds is held against the CSV files.
"""

import collections
import json
import os
import re
import shutil
import subprocess
import sys

import harness
from harness import Skip, Trace, case, check, record, workload
from postgres import Postgres

PAGE = os.path.join(harness.TOP, "tools", "docs", "loading.md")
TEXT = re.compile(r"(comm|name|address|kind|state|evidence|op|result|mark|phase)")


def blocks(section):
    """The blocks of code of a section: (language, text)."""
    with open(PAGE, encoding="utf-8") as file:
        parts = re.split(r"^## (.*)\n", file.read(), flags=re.MULTILINE)
    text = dict(zip(parts[1::2], parts[2::2]))[section]
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def only(section, language):
    found = [text for name, text in blocks(section) if name == language]
    check(len(found) == 1, f"{section} has {len(found)} blocks of {language}")
    return found[0]


def queries(section):
    """SQL statements, each with what the comment before it says."""
    found = re.findall(r"-- (.*)\n([^-][^;]*;)", only(section, "sql"))
    check(len(found) >= 2, f"{section}: {len(found)} statements")
    return found


def measure():
    return record(workload("w_mutex"), "--threads", "3", "--rounds", "60", "--hold-us", "300",
                  "--sleeps")[1]


def times_of(trace):
    """{(tid, state): ns} by addition."""
    sums = {}
    for piece in trace.slices:
        key = piece["tid"], piece["state"]
        sums[key] = sums.get(key, 0) + piece["duration_ns"]
    return sums


def waits_of(trace):
    """{(lock, tid): (waits, ns)} by addition."""
    sums = {}
    for wait in trace.waits:
        key = wait["lock"], trace.threads[wait["thread"] - 1]["tid"]
        count, ns = sums.get(key, (0, 0))
        sums[key] = count + 1, ns + wait["duration_ns"]
    return sums


@case
def the_page_is_true_of_the_files():
    """Each table is named, and each column that is a text is loaded as one."""
    from_schema = harness.convoy("report", "--schema").stdout
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    for table in re.findall(r"^(\w+\.csv): ", from_schema, re.MULTILINE):
        check(f"`{table}`" in page, f"{table} is not on the page")
    words = set(re.findall(r"^  (\w+) +(?:text|address|state|lock kind|lock state|futex op|"
                           r"wait result|mark) ", from_schema, re.MULTILINE))
    check(words, "no columns of text")
    check(all(TEXT.fullmatch(word) for word in words) and TEXT.pattern in page,
          f"columns of text: {sorted(words)}")


@case
def pandas_sums_as_the_page_says():
    asks = subprocess.run([sys.executable, "-c", "import pandas"], capture_output=True, check=False)
    if asks.returncode:
        raise Skip("pandas is not installed")
    trace = measure()
    script = only("pandas", "python") + (
        "\nimport json\nwith open('out.json', 'w') as file:\n"
        "    json.dump([[int(thread), state, int(ns)] for (thread, state), ns in "
        "states.stack().items()], file)\n")
    result = harness.call(sys.executable, "-c", script)
    check(result.status == 0, result.stderr)
    with open(os.path.join(harness.folder, "out.json"), encoding="ascii") as file:
        found = {(trace.threads[thread - 1]["tid"], state): ns
                 for thread, state, ns in json.load(file) if ns}
    check(found == times_of(trace), f"pandas: {found}")


def duckdb_run(statement):
    """Rows of a query, by whichever DuckDB is here."""
    if shutil.which("duckdb"):
        answer = harness.call("duckdb", "-json", "-c", statement)
        check(answer.status == 0, answer.stderr)
        return [list(row.values()) for row in json.loads(answer.stdout)]
    try:
        import duckdb
    except ImportError:
        raise Skip("duckdb is not installed") from None
    os.chdir(harness.folder)
    try:
        return duckdb.sql(statement).fetchall()
    finally:
        os.chdir("/")


@case
def duckdb_sums_as_the_page_says():
    trace = None
    for what, statement in queries("DuckDB"):
        if not trace:
            duckdb_run("SELECT 1")
            trace = measure()
        rows = duckdb_run(statement)
        if what.startswith("Time of each thread"):
            check({(tid, state): ns for tid, state, ns in rows} == times_of(trace), f"{rows}")
        else:
            check(sum(row[3] for row in rows) == sum(lock["wait_ns"] for lock in trace.locks),
                  f"{what}: {rows}")
            edges = [(trace.locks[edge["lock"] - 1]["name"] or None, edge["waiter"],
                      edge["holder"], edge["wait_ns"]) for edge in trace.table("edges")]
            check(collections.Counter(map(tuple, rows)) == collections.Counter(edges) and edges,
                  f"{what}: {rows}, edges.csv {edges}")


@case
def postgres_sums_as_the_page_says():
    with Postgres() as postgres:
        trace = measure()
        shutil.copytree(trace.path, os.path.join(postgres.place, "trace"))
        subprocess.run(["chown", "-R", "nobody", os.path.join(postgres.place, "trace")],
                       check=True)
        postgres.call("bash", "-euc", only("PostgreSQL", "sh"))
        by_state, by_lock, passed = [postgres.rows("traces", statement)
                                     for _, statement in queries("PostgreSQL")]
        check({(tid, state): ns for tid, state, ns in by_state} == times_of(trace), by_state)
        check(sorted((tid, count, ns) for _, _, tid, count, ns in by_lock)
              == sorted((tid, count, ns) for (_, tid), (count, ns) in waits_of(trace).items()),
              by_lock)
        hand_offs = trace.table("handoffs")
        check(sum(row[1] for row in passed) == len(hand_offs) > 0, passed)
        for column in ("running_ns", "lock_ns", "lifetime_ns"):
            [[total]] = postgres.rows("traces", f"SELECT sum({column}) FROM threads")
            check(total == sum(row[column] for row in trace.threads), f"{column}: {total}")
        report = json.loads(harness.convoy("report", trace.path, "--format", "json").stdout)
        [[wall, cpu]] = postgres.rows("traces", "SELECT sum(wall_ns), sum(running * wall_ns) "
                                      "FROM parallel WHERE phase IS NULL")
        check(wall == report["wall_ns"] and cpu == report["cpu_ns"], f"{wall} {cpu}")
    return f"{len(trace.slices)} slices"


@case
def perfetto_sums_as_the_page_says():
    shell = shutil.which("trace_processor") or shutil.which("trace_processor_shell")
    if not shell:
        raise Skip("Perfetto's trace_processor is not installed")
    trace = measure()
    run_page("Perfetto")
    times, waits = [statement for _, statement in queries("Perfetto")]
    found = perfetto_rows(shell, times)
    running = sum(int(ns) for _, state, ns in found if state == "running")
    check(running == sum(row["running_ns"] for row in trace.threads), found)
    check(sum(int(row[2]) for row in perfetto_rows(shell, waits))
          == sum(lock["wait_ns"] for lock in trace.locks), "waits")


def perfetto_rows(shell, statement):
    path = os.path.join(harness.folder, "query.sql")
    with open(path, "w", encoding="ascii") as file:
        file.write(statement)
    answer = harness.call(shell, "-q", path, "trace.pftrace")
    check(answer.status == 0, answer.stderr)
    return [[cell.strip('"') for cell in line.split(",")]
            for line in answer.stdout.splitlines()[1:] if line]


def run_page(section):
    """The commands of a section, in the case's folder, with this build's convoy."""
    path = os.path.dirname(harness.CONVOY) + ":" + os.environ["PATH"]
    result = harness.call("bash", "-euc", only(section, "sh"), env=dict(os.environ, PATH=path))
    check(result.status == 0, result.stderr)


@case
def the_files_of_the_page_are_written():
    measure()
    for section, name in (("Perfetto", "trace.pftrace"), ("Flame graphs", "trace.folded"),
                          ("JSON", "report.json"), ("JSON", "schema.json")):
        run_page(section)
        check(os.path.getsize(os.path.join(harness.folder, name)) > 100, f"{name} is empty")


harness.main()
