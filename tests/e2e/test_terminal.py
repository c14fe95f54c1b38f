#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Where a report goes: places without UTF-8, and readers that go away."""

import os
import subprocess

import harness
from harness import CONVOY, TOP, case, check

TRACE = os.path.join(TOP, "tests", "traces", "lock-serialises-speaks")


def environment(**changes):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("LC_") and name not in ("LANG", "NO_COLOR", "TERM")}
    kept.update({"LC_ALL": "C.UTF-8", "TERM": "xterm"})
    kept.update(changes)
    return {name: value for name, value in kept.items() if value is not None}


def report(*options, **changes):
    result = harness.convoy("report", TRACE, *options, env=environment(**changes))
    check(result.status == 0, result.stderr)
    return result.raw_stdout


@case
def without_utf8_reports_are_ascii():
    wide = report().decode("utf-8")
    for changes in ({"LC_ALL": "C"}, {"LC_ALL": None}, {"LC_ALL": "POSIX"},
                    {"LC_ALL": "no_SUCH.UTF-8"}):
        narrow = report(**changes)
        check(narrow.isascii(), f"{changes}: {[byte for byte in narrow if byte > 127]}")
        widths = [len(line) for line in narrow.decode("ascii").splitlines()]
        check(widths == [len(line) for line in wide.splitlines()], f"{changes}: columns moved")
    check(not wide.isascii(), "nothing to substitute: the test tries nothing")
    check(report("--format", "json") == report("--format", "json", LC_ALL="C"), "JSON differs")
    for locale, shown in (("C", "'tr?c?'"), ("C.UTF-8", "'tr\u00e4c\u00e9'")):
        result = harness.convoy("report", "tr\u00e4c\u00e9", env=environment(LC_ALL=locale))
        check(result.status == 2 and shown in result.stderr, f"{locale}: {result.stderr}")


@case
def a_reader_that_goes_away_is_no_error():
    for options in ("", "--format json", "--format html", "--schema"):
        read, write = os.pipe()
        os.close(read)
        process = subprocess.Popen([CONVOY, "report", TRACE, *options.split()], stdout=write,
                                   stderr=subprocess.PIPE, env=environment())
        os.close(write)
        complaint = process.communicate(timeout=harness.TIMEOUT)[1]
        check(process.returncode in (141, -13) and not complaint,
              f"{options}: {process.returncode} {complaint}")
    shown = subprocess.run(f"set -o pipefail; {CONVOY} --help | head -n 1", shell=True, check=False,
                           executable="/bin/bash", capture_output=True)
    check(shown.stdout.startswith(b"convoy") and not shown.stderr, shown)


harness.main()
