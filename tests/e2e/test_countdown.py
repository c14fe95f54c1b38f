#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The countdown: what is run and in which order, what is saved and said, and what happens when an
interpreter is missing, fails, dies or is interrupted."""

import contextlib
import json
import os
import pty
import signal
import sys
import time

import arithmetic
import harness
from countdowns import countdown, report, script, tables, traces
from harness import case, check, convoy, timely

SMALL = 200000  # counted in 10 ms or so
LARGE = 1000000000  # never done within a test
ARTICLE = ["serial", "threads", "processes"]
BASELINES = {"threads": "serial", "processes": "serial", "subinterpreters": "serial",
             "nogil": "nogil-serial", "io": "io-serial", "native": "native-serial",
             "native-lock": "native-serial"}


def place(name):
    return os.path.join(harness.folder, name)


def leftovers():
    return {name for name in os.listdir("/tmp") if name.startswith("convoy-")
            and not name.startswith("convoy-test-")}


def descendants(pid):
    found = harness.children(pid)
    return found + [below for child in found for below in descendants(child)]


@case
def the_three_variants_run_in_rotated_order_and_every_sum_comes_out():
    path = place("out")
    result = countdown("--count", SMALL, "--rounds", 4, "-o", path, "--format", "json")
    told = tables(result.stdout)
    check(len(told) == 1 and [row["name"] for row in told[0]["variants"]] == ARTICLE,
          f"not the three of the article: {told}")
    check(told[0]["count"] == SMALL and told[0]["workers"] == 2 and told[0]["rounds"] == 4,
          f"{told[0]['count']} {told[0]['workers']} {told[0]['rounds']}")
    runs = traces(path)
    check(len(runs) == 12, f"{len(runs)} traces, not 12")
    for (variant, number), trace in runs.items():
        arithmetic.verify(trace)
        meta = trace.meta
        check(meta["variant"] == variant and meta["round"] == number, f"{variant} {number}: {meta}")
        check(meta["baseline"] == BASELINES.get(variant), meta["baseline"])
        check(meta["count"] == SMALL and meta["kind"] == "countdown", f"{meta}")
        check(meta["calibration"]["before_ns"] > 0 and meta["calibration"]["after_ns"] > 0,
              f"{meta['calibration']}")
    order = sorted(runs, key=lambda key: runs[key].start_ns)
    expected = [(ARTICLE[(number + turn) % 3], number + 1) for number in range(4)
                for turn in range(3)]
    check(order == expected, f"order {order}")
    for word in ("round 4: threads", "round 1: serial"):
        check(word in result.stderr, f"'{word}' is not in the progress: {result.stderr}")


@case
def phases_leave_no_gap_and_the_count_is_where_the_work_is():
    path = place("out")
    countdown("-q", "--count", SMALL, "--rounds", 1, "-o", path)
    for (variant, _), trace in traces(path).items():
        phases = trace.meta["phases"]
        check([phase["name"] for phase in phases] == ["start-up", "count", "wind-down"],
              f"{phases}")
        edges = [trace.start_ns, *(int(phase["begin_ns"]) for phase in phases[1:]), trace.end_ns]
        ends = [int(phase["end_ns"]) for phase in phases]
        check(edges[1:] == ends and edges == sorted(edges), f"{variant}: {phases}")
        begin, end = edges[1], edges[2]
        workers = [row for row in trace.threads if begin <= row["start_ns"] <= end]
        check(len(workers) == (0 if variant == "serial" else 2),
              f"{variant}: {len(workers)} workers were born in the count")
        check(all(row["end_ns"] <= end + 50 * harness.MS for row in workers),
              f"{variant}: a worker outlived the count")


@case
def bills_add_up_to_the_difference_of_the_representatives():
    told = report("--count", SMALL, "--rounds", 3)[0]
    walls = {}
    for variant in told["variants"]:
        run = [row for row in variant["runs"] if row["round"] == variant["representative_round"]]
        walls[variant["name"]] = run[0]["wall_ns"]
        check(len(variant["runs"]) == 3, f"{variant['name']}: {len(variant['runs'])} runs")
        check(sorted(row["wall_ns"] for row in variant["runs"])[1] == run[0]["wall_ns"],
              f"{variant['name']}: the representative is not the median")
    check(len(told["bills"]) == 2, f"{told['bills']}")
    for bill in told["bills"]:
        check(bill["total_ns"] == walls[bill["to"]] - walls[bill["from"]], f"{bill}")
        check(sum(line["ns"] for line in bill["lines"]) == bill["total_ns"], f"{bill}")
        for line in bill["lines"]:
            causes = line["causes"]
            check(not causes or sum(cause["ns"] for cause in causes) == line["ns"], f"{line}")


@case
def the_report_can_be_printed_again_from_the_files():
    path = place("out")
    first = countdown("--count", SMALL, "--rounds", 2, "-o", path, "-q")
    again = convoy("report", path)
    check(again.status == 0 and again.stdout == first.stdout, again.stderr + again.stdout)
    check(first.stderr == "", f"-q is not silent: {first.stderr}")
    with open(os.path.join(path, "report.json"), encoding="utf-8") as file:
        check(json.load(file)["kind"] == "countdown", "report.json is something else")
    check(os.stat(path).st_mode & 0o777 == 0o700, "others may look into it")
    check(not os.path.exists(path + ".partial"), "DIR.partial is left")


@case
def threads_that_wait_wait_at_once():
    told = report("--variant", "io", "--rounds", 1, "--count", SMALL)[0]
    walls = {row["name"]: row["wall_ns"]["median"] for row in told["variants"]}
    # 50 naps of 10 ms each: a second in a row, half of it in two threads.
    check(walls["io-serial"] >= 1000 * harness.MS, f"{walls}")
    check(500 * harness.MS <= walls["io"] < walls["io-serial"], f"{walls}")


@case
def native_variants_need_no_python():
    path = place("out")
    told = report("--variant", "native,native-lock", "--count", 30000000, "--rounds", 1,
                  "--python", "/nonexistent", "-o", path)[0]
    check([row["name"] for row in told["variants"]] == ["native-serial", "native", "native-lock"],
          f"{told['variants']}")
    runs = traces(path)
    locks = [row for row in runs["native-lock", 1].locks if row["state"] == "lock"]
    check(sum(row["wait_ns"] for row in locks) > 0, "nobody waited for the mutex")
    free = [row for row in runs["native", 1].locks if row["state"] == "lock"]
    check(not free, f"free threads waited for {free}")
    check({row["comm"] for row in runs["native", 1].threads} == {"convoy-native"},
          "the threads have another name")


@case
def in_c_with_the_gil_released_threads_do_not_wait_for_it():
    # Waiting for a lock, not overlap: how often two run at once depends on who else runs.
    found = {}
    for variant, count in (("threads", 3000000), ("nogil", 300000000)):
        told = report("--variant", variant, "--count", count, "--rounds", 1)[0]
        whole = [row for row in told["variants"] if row["name"] == variant][0]["representative"]
        waited = sum(row["lock_ns"] for row in whole["threads"])
        found[variant] = waited / whole["wall_ns"]
    # Of two, one waits all the time, save while both are kept off the CPUs by others.
    check(found["threads"] > 0.1, f"under the GIL one of two waits: {found}")
    timely(found["nogil"] < 0.05, f"without it nobody should: {found}")
    return ", ".join(f"{variant} {share:.1%}" for variant, share in found.items())


@case
def without_a_count_serial_takes_about_a_second():
    result = countdown("--rounds", 1, "--variant", "serial", "--format", "json")
    told = tables(result.stdout)[0]
    cpu = told["variants"][0]["representative"]["cpu_ns"]
    timely(0.3e9 < cpu < 3e9, f"serial took {cpu / 1e9:.2f} s of CPU")
    check(f"each counts {told['count']:,}" in result.stderr, result.stderr)
    digits = str(told["count"]).rstrip("0")
    check(len(digits) <= 2, f"{told['count']} is no round number")
    return f"{cpu / 1e9:.2f} s"


@case
def workers_and_lean_are_heeded():
    path = place("out")
    told = report("--workers", 5, "--count", SMALL, "--rounds", 1, "--lean", "-o", path)[0]
    runs = traces(path)
    check(told["workers"] == 5 and len(runs["processes", 1].threads) == 6,
          f"{len(runs['processes', 1].threads)} processes, not 6")
    check(runs["threads", 1].meta["mode"] == "lean", runs["threads", 1].meta["mode"])


@case
def the_interpreter_runs_as_the_chosen_user_and_its_files_go():
    before = leftovers()
    path = place("out")
    countdown("-q", "-u", "nobody", "--python", "/usr/bin/python3", "--variant", "nogil",
              "--count", SMALL, "--rounds", 1, "-o", path)
    check(traces(path)["nogil", 1].meta["uid"] != 0, "it ran as root")
    check(leftovers() <= before, f"left behind: {leftovers() - before}")


@case
def the_library_goes_where_tmpdir_says_and_goes_away():
    folder = place("tmp")
    os.mkdir(folder)
    countdown("-q", "--variant", "nogil", "--count", SMALL, "--rounds", 1,
              env=dict(os.environ, TMPDIR=folder))
    check(os.listdir(folder) == [], f"left behind: {os.listdir(folder)}")
    result = countdown("-q", "--variant", "nogil", "--count", SMALL, "--rounds", 1, status=2,
                       env=dict(os.environ, TMPDIR=place("nowhere")))
    check("nowhere" in result.stderr, result.stderr)


@case
def wrong_use_is_said_with_what_to_try():
    python = script("exec /usr/bin/python3 \"$@\"\n")
    plain = place("plain")
    with open(plain, "w", encoding="utf-8") as file:
        file.write("nothing to execute\n")
    for words, expected in (
            (("--python", "/nonexistent/python"), "cannot find the interpreter"),
            (("--python", "no-such-python"), "--python PATH"),
            (("--python", plain), "permission denied"),
            (("--python", "/bin/true"), "is needed"),
            (("--python", "/bin/false"), "status 1"),
            (("--python", python, "--python", "/nonexistent"), "cannot find"),
            (("--variant", "thread"), "did you mean 'threads'?"),
            (("--variant", "zebra"), "unknown variant 'zebra'"),
            (("--variant", "serial,,threads"), "variant"),
            (("--rounds", "0"), "--rounds"), (("--workers", "0"), "--workers"),
            (("--count", "many"), "--count"), (("-u", "nobody", "--as-root"), "exclude"),
            (("-o", "/proc/nothing/here"), "/proc/nothing/here"), (("serial",), "serial")):
        result = convoy("countdown", *words)
        check(result.status == 2, f"{words}: status {result.status}\n{result.stderr}")
        check(expected in result.stderr, f"{words}: '{expected}' is not in: {result.stderr}")
        check(result.stdout == "", f"{words}: {result.stdout}")


@case
def a_failing_script_shows_what_it_said_and_leaves_nothing():
    path = place("out")
    for ending, expected in (("exit 3", "status 3"), ("kill -9 $$", "signal 9")):
        python = script('[ "$3" != threads ] && exec /usr/bin/python3 "$@"\n'
                        "printf 'Traceback\\033[31m\\nwhy it failed\\n' >&2\n" + ending + "\n")
        result = countdown("-q", "--python", python, "--count", SMALL, "--rounds", 2, "-o", path,
                           status=2)
        for word in ("why it failed", "'threads'", expected, "\\x1b[31m"):
            check(word in result.stderr, f"'{word}' is not in: {result.stderr}")
        check(result.stdout == "", result.stdout)
        check(sorted(os.listdir(harness.folder)) == ["interpreter"],
              f"left behind: {os.listdir(harness.folder)}")


@case
def an_interpreter_that_says_it_cannot_is_listed_with_the_reason():
    python = script('[ "$3" != threads ] && exec /usr/bin/python3 "$@"\n'
                    "echo 'skip the moon is full'\n")
    told = report("--python", python, "--count", SMALL, "--rounds", 2)[0]
    check([row["name"] for row in told["variants"]] == ["serial", "processes"],
          f"{told['variants']}")
    check(told["skipped"] == [{"name": "threads", "why": "the moon is full"}], told["skipped"])


@contextlib.contextmanager
def started(*argv):
    """A countdown under way; its output is read by finish. It does not outlive the case."""
    process = harness.start([harness.CONVOY, "countdown", *map(str, argv)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def counting(process, how_many):
    """Waits until this many processes below it burn CPU, so that the count is under way."""
    def busy():
        below = []
        for pid in descendants(process.pid):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
                if int(fields[11]) >= 20:  # 0.2 s of user time: more than any start-up
                    below.append(pid)
            except OSError:
                pass
        return below if len(below) >= how_many else None

    harness.wait_until(busy, f"{how_many} processes count")
    return busy() or []


@case
def an_interpreter_that_dies_in_the_middle_is_named():
    with started("-q", "--variant", "serial", "--count", LARGE) as process:
        for pid in counting(process, 1):
            os.kill(pid, signal.SIGKILL)
        result = harness.finish(process)
        check(result.status == 2 and "signal 9" in result.stderr and "'serial'" in result.stderr,
              f"{result.status} {result.stderr}")
        check(result.stdout == "", result.stdout)


@case
def an_interrupt_reports_the_finished_rounds():
    path = place("out")
    with started("--count", SMALL, "--rounds", 500, "-o", path, "--format", "json") as process:
        third = path + ".partial/serial/3"
        harness.wait_until(lambda: os.path.isdir(third), "a third round begins", patience=60)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        result = harness.finish(process)
        took = time.monotonic() - begin
        check(result.status == 130, f"status {result.status}")
        timely(took < 2, f"it took {took:.1f} s")
        told = tables(result.stdout)[0]
        check(told["rounds"] >= 2, f"{told['rounds']} rounds")
        check(all(len(row["runs"]) == told["rounds"] for row in told["variants"]),
              "an unfinished round is in the report")
        check(len(traces(path)) == 3 * told["rounds"],
              "the directory holds other runs than the report")
        again = convoy("report", path, "--format", "json")
        check(again.status == 0, again.stderr)
        check(tables(again.stdout)[0] == told, "read back it says something else")
        return f"{took:.2f} s"


@case
def an_interrupt_before_any_round_leaves_nothing():
    path = place("out")
    with started("-q", "--variant", "processes", "--count", LARGE, "-o", path) as process:
        counting(process, 1)  # serial
        process.send_signal(signal.SIGTERM)
        result = harness.finish(process)
        check(result.status == 143 and result.stdout == "", f"{result.status} {result.stdout}")
        check(os.listdir(harness.folder) == [], f"left behind: {os.listdir(harness.folder)}")


@case
def an_interrupt_ends_forked_workers_too():
    python = script('[ "$3" = serial ] && set -- "$1" "$2" serial 1 1\n'
                    'exec /usr/bin/python3 "$@"\n')
    with started("-q", "--python", python, "--variant", "processes", "--count", LARGE) as process:
        workers = counting(process, 2)
        process.send_signal(signal.SIGINT)
        result = harness.finish(process)
        check(result.status == 130, f"{result.status} {result.stderr}")
        harness.wait_until(lambda: not any(harness.is_alive(pid) for pid in workers),
                           "the workers end", patience=2)


@case
def killed_it_leaves_no_process_behind():
    with started("-q", "--variant", "serial", "--count", 20000000) as process:
        workers = counting(process, 1)
        process.kill()
        process.wait()
        harness.wait_until(lambda: not any(harness.is_alive(pid) for pid in workers),
                           "the workload ends when it is done")


@case
def on_a_terminal_the_progress_is_one_line():
    pid, fd = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(harness.CONVOY, ["convoy", "countdown", "--count", str(SMALL), "--rounds", "1"])
    shown = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    check(status == 0, f"status {status}")
    check(b"1/3" in shown and b"convoy countdown" in shown, f"{shown!r}")
    progress = shown[shown.index(b"1/3"):shown.index(b"convoy countdown")]
    check(b"3/3" in progress and b"took" not in progress, f"{progress!r}")
    check(b"\n" not in progress and progress.endswith(b"\r\x1b[K\x1b[1m"), f"{progress!r}")


@case
def the_help_names_every_variant():
    told = countdown("--help").stdout
    for name in [*BASELINES, *BASELINES.values()]:
        check(name in told, f"'{name}' is not in the help")


if __name__ == "__main__":
    harness.main()
    sys.exit(0)
