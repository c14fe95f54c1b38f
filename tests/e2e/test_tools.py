#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The tools that guard the tree can go red, and the runner counts right."""

import os
import shutil
import stat

import harness
from harness import TOP, case, check


def tree(files):
    """A copy of the checks with a small tree of its own."""
    top = os.path.join(harness.folder, "tree")
    shutil.copytree(os.path.join(TOP, "tools"), os.path.join(top, "tools"))
    os.makedirs(os.path.join(top, "tests"))
    shutil.copy(os.path.join(TOP, "tests", "run"), os.path.join(top, "tests", "run"))
    for name, text in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if text.startswith("#!"):
            os.chmod(path, stat.S_IRWXU)
    return top


def run_check(tool, files):
    top = tree(files)
    try:
        return harness.call(os.path.join(top, "tools", tool), cwd=top)
    finally:
        shutil.rmtree(top)


@case
def floors_are_held():
    good = {"user/model/a.c": '#include "stream/slice.h"\n#include "model/a.h"\n'}
    check(run_check("check-floors", good).status == 0, "a good tree is refused")
    for room, line in (("model", '#include "analysis/report.h"'),
                       ("model", '#include "names/names.h"'),
                       ("names", '#include "model/classify.h"'),
                       ("analysis", '#include "base/err.h"'), ("base", '#include "cli/args.h"'),
                       ("output", "#include <bpf/libbpf.h>"), ("cli", "#include <gelf.h>"),
                       ("analysis", '\tprintf("%d", 1);'), ("cellar", "int i;")):
        result = run_check("check-floors", {f"user/{room}/a.c": line + "\n"})
        check(result.status == 1 and f"user/{room}/a.c" in result.stdout,
              f"{room} with {line}: {result.stdout}")
    check(run_check("check-floors", {"other/a.c": "int i;\n"}).status == 1, "no file, no complaint")


@case
def sizes_are_held():
    good = "int f(void)\n{\n" + "\t;\n" * 57 + "}\n"
    check(run_check("check-size", {"user/a.c": good}).status == 0, "60 lines are refused")
    for what, text in (("61 lines", good.replace("{\n", "{\n\t;\n", 1)),
                       ("101 columns", good + "/*" + "x" * 97 + "*/\n"),
                       ("columns by tabs", good + "\t" * 13 + "\n"),
                       ("501 lines", good + "\n" * 441)):
        result = run_check("check-size", {"user/a.c": text})
        check(result.status == 1 and "user/a.c" in result.stdout, f"{what}: {result.stdout}")


@case
def the_trimmed_kernel_types_are_held():
    with open(os.path.join(TOP, "vmlinux", "vmlinux.h"), encoding="utf-8") as file:
        header = file.read()
    check(run_check("mkvmlinux", {"vmlinux/vmlinux.h": header}).status == 0, "refused as it is")
    broken = header.replace("int exit_state;", "int exit_statement;")
    check(broken != header, "the header has changed: mend this test")
    result = run_check("mkvmlinux", {"vmlinux/vmlinux.h": broken})
    check(result.status == 1 and "exit_statement" in result.stdout, result.stdout)


def program(text):
    return "#!/bin/sh\n" + text


@case
def the_runner_counts_and_ends_with_the_sum():
    result = harness.call(os.path.join(tree({
        "build/tests/test_good": program("echo '[       OK ] a'; echo '[       OK ] b'\n"),
        "build/tests/test_bad": program("echo '[  FAILED  ] c'; echo '[  FAILED  ] c'; exit 1\n"),
        "build/tests/test_crash": program("echo '[       OK ] d'; kill -SEGV $$\n"),
        "build/tests/test_part": program("echo '[  SKIPPED ] e (no reason)'\n"),
        "build/tests/test_skip": program("echo talk; echo no such machine; exit 77\n"),
        "build/tests/test_plain": program("exit 0\n"),
    }), "tests", "run"), "unit")
    check(result.stdout.splitlines()[-1] == "4 passed, 2 failed, 2 skipped", result.stdout)
    check(result.status == 1, "something failed, but the status is 0")
    check("no such machine" in result.stdout, "the reason of a skip is not shown")


@case
def only_times_are_measured_anew():
    """Each case counts its tries in a file: those that are a matter of time get five, a wrong
    answer none more; and what was measured anew is shown though it passed."""
    top = tree({"tests/e2e/test_x.py": f"""#!/usr/bin/python3 -B
import sys
sys.path.insert(0, {os.path.join(TOP, "tests", "e2e")!r})
from harness import case, check, main, near, timely
def count(name):
    with open({harness.folder!r} + "/" + name, "a") as file:
        file.write("x")
        return file.tell()
@case
def late():
    near(count("late"), 3, 0, 0, "tries")
@case
def never():
    timely(count("never") > 9, "too slow")
@case
def wrong():
    check(count("wrong") > 1, "no matter of time")
main()
"""})
    result = harness.call(os.path.join(top, "tests", "run"), "tests/e2e/test_x.py")
    tries = {name: os.path.getsize(os.path.join(harness.folder, name))
             for name in ("late", "never", "wrong")}
    check(tries == {"late": 3, "never": 5, "wrong": 1}, f"{tries}\n{result.stdout}")
    check(result.stdout.splitlines()[-1] == "2 passed, 2 failed, 0 skipped", result.stdout)
    check("AGAIN   ] test_x__late (tries: 1 measured" in result.stdout, result.stdout)


@case
def the_runner_fails_when_nothing_ran():
    result = harness.call(os.path.join(tree({}), "tests", "run"), "unit")
    check(result.status == 1, f"status {result.status}")
    check(result.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 skipped", result.stdout)


@case
def the_bootstrap_names_what_is_missing():
    """On a machine without apt-get: an empty PATH has neither it nor a compiler."""
    top = tree({})
    script = os.path.join(top, "tools", "bootstrap")
    with open(script, encoding="utf-8") as file:
        text = file.read()
    empty = os.path.join(top, "empty")
    os.mkdir(empty)
    for name in ("dirname", "bash"):
        os.symlink(shutil.which(name), os.path.join(empty, name))
    with open(script, "w", encoding="utf-8") as file:
        file.write(text.replace("PATH=/usr/sbin:/usr/bin:/sbin:/bin\n", f"PATH={empty}\n", 1))
    result = harness.call(script, "build", env={})
    check(result.status == 2 and "gcc" in result.stderr, f"{result.status} {result.stderr}")
    check("libbpf-dev" not in result.stderr or not os.path.exists("/usr/include/bpf/libbpf.h"),
          "it names what is there")
    result = harness.call(os.path.join(TOP, "tools", "bootstrap"), "no-such-goal", env={})
    check(result.status == 2 and "no-such-goal" in result.stderr, result.stderr)


harness.main()
