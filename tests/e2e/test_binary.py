#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""build/convoy as a thing that is copied to another machine."""

import json
import os
import re
import shutil

import harness
from harness import CONVOY, case, check, convoy

LIBRARIES = {"libbpf", "libelf", "libz", "libc", "libm", "libpthread", "librt", "libdl",
             "linux-vdso", "ld-linux-x86-64", "ld-linux-aarch64"}


@case
def it_needs_only_libbpf_libelf_zlib_and_libc():
    listing = harness.call("readelf", "-d", CONVOY).stdout
    needed = set(re.findall(r"NEEDED.*\[([\w+-]+)\.so", listing))
    check(needed and needed <= LIBRARIES, f"it needs {sorted(needed - LIBRARIES)}")
    return ", ".join(sorted(needed))


@case
def alone_in_an_empty_directory_it_runs_the_countdown():
    copy = os.path.join(harness.folder, "convoy")
    shutil.copy(CONVOY, copy)
    result = harness.call(copy, "countdown", "--python", "/usr/bin/python3", "--rounds", "1",
                          "--count", "300000", "--variant", "serial,threads", "--format", "json",
                          env={"PATH": "/usr/bin:/bin"})
    check(result.status == 0, result.stderr)
    json.loads(result.stdout)
    check(os.listdir(harness.folder) == ["convoy"], f"left: {os.listdir(harness.folder)}")


@case
def version_and_help_go_to_stdout():
    result = convoy("--version")
    check(result.status == 0 and re.fullmatch(r"convoy \d+\.\d+\.\d+\n", result.stdout),
          f"{result.status} {result.stdout!r}")
    commands = re.findall(r"^  (\w+)  ", convoy("--help").stdout, re.MULTILINE)
    check({"run", "attach", "countdown", "report"} <= set(commands), f"commands: {commands}")
    for command in commands:
        result = convoy(command, "--help")
        check(result.status == 0 and not result.stderr, f"{command} --help: {result.stderr}")
        check(all(len(line) <= 80 for line in result.stdout.splitlines()), f"{command}: too wide")


@case
def a_reader_that_goes_away_is_no_error_message():
    result = harness.call("sh", "-c", f"{CONVOY} run --help | head -n 1")
    check(not result.stderr, result.stderr)


harness.main()
