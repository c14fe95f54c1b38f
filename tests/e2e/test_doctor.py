#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The doctor: what works, what is missing, the cure; and a status that can be relied on."""

import json
import os
import shutil

import harness
from harness import CONVOY, case, check, convoy, workload


def health(result):
    """Health of each question by its name, from the JSON form."""
    return {row["name"]: row["health"] for row in json.loads(result.stdout)["checks"]}


@case
def a_machine_on_which_convoy_works_is_well():
    result = convoy("doctor")
    check(result.status == 0, f"status {result.status}\n{result.stdout}")
    check("convoy can do its work here" in result.stdout, result.stdout)
    widest = max(map(len, result.stdout.splitlines()))
    check(widest <= 80, f"{widest} columns wide:\n{result.stdout}")
    needed = [row for row in json.loads(convoy("doctor", "--format", "json").stdout)["checks"]
              if row["needed"]]
    check(len(needed) >= 5 and all(row["health"] == "ok" for row in needed), str(needed))


def check_ill(result, name, cure):
    check(result.status == 2, f"status {result.status}\n{result.stdout}")
    lines = [line for line in result.stdout.splitlines() if name in line]
    check(lines and lines[0].startswith("missing"), f"'{name}' is not missing:\n{result.stdout}")
    check(cure in result.stdout, f"no cure '{cure}':\n{result.stdout}")
    check("cannot do its work" in result.stdout, result.stdout)


@case
def without_rights_it_says_which():
    copy = os.path.join(harness.folder, "convoy")
    shutil.copy(CONVOY, copy)
    os.chmod(copy, 0o755)
    user = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, "doctor")
    check_ill(harness.call(*user), "privilege", "sudo")
    seen = health(harness.call(*user, "--format", "json"))
    check(seen["kernel"] == "ok" and seen["privilege"] == "missing", str(seen))


@case
def without_type_information_it_says_so():
    harness.needs_mount_namespace()
    script = f"mount -t tmpfs none /sys/kernel/btf && exec {CONVOY} doctor"
    check_ill(harness.call("unshare", "-m", "sh", "-c", script), "kernel types", "BTF")


@case
def without_the_bpf_call_it_says_so():
    check_ill(harness.call(workload("w_nobpf"), CONVOY, "doctor"), "bpf() system call", "seccomp")


@case
def another_pid_namespace_is_a_limit_only():
    harness.needs_mount_namespace()
    result = harness.call("unshare", "--pid", "--fork", "--mount-proc", CONVOY, "doctor",
                          "--format", "json")
    check(result.status == 0 and health(result)["PID namespace"] == "limited", result.stdout)


if __name__ == "__main__":
    harness.main()
