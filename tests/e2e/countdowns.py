# SPDX-License-Identifier: GPL-2.0-only
"""Running `convoy countdown` and reading what it says and saves, for the tests of it. Not a test
itself."""

import json
import os

import harness
from harness import Trace, check, convoy


def countdown(*argv, status=0, **options):
    options.setdefault("timeout", 120)
    result = convoy("countdown", *argv, **options)
    check(result.status == status, f"status {result.status}, not {status}\n{result.stderr}")
    return result


def tables(text):
    """The interpreters of a JSON report: a list in it if there are several, else the whole."""
    whole = json.loads(text)
    check(whole["kind"] == "countdown", f"kind {whole['kind']}")
    return whole.get("interpreters", [whole])


def report(*argv, **options):
    return tables(countdown("-q", "--format", "json", *argv, **options).stdout)


def traces(path):
    """(variant, round) to trace, of a directory with one interpreter."""
    found = {}
    for variant in os.listdir(path):
        folder = os.path.join(path, variant)
        if os.path.isdir(folder):
            for number in os.listdir(folder):
                found[variant, int(number)] = Trace(os.path.join(folder, number))
    return found


def script(text):
    path = os.path.join(harness.folder, "interpreter")
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path
