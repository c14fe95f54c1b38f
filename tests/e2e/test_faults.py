#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Wrong use, missing rights, full disks and sudden ends: a sentence, a status, nothing left."""

import json
import os
import shutil
import signal
import subprocess
import time

import arithmetic
import harness
from harness import CONVOY, MS, Skip, case, check, convoy, timely, workload


def check_refused(result, *words, status=2):
    """Refused with a status and a sentence of at most a few lines that holds these words."""
    check(result.status == status, f"status {result.status}, not {status}\n{result.stderr}")
    check(not result.stdout.strip(), f"something went to stdout:\n{result.stdout}")
    lines = result.stderr.strip().splitlines()
    check(1 <= len(lines) <= 4, f"{len(lines)} lines on stderr:\n{result.stderr}")
    for word in words:
        check(word in result.stderr, f"'{word}' is not in: {result.stderr}")


@case
def not_root():
    copy = os.path.join(harness.folder, "convoy")
    shutil.copy(CONVOY, copy)
    os.chmod(copy, 0o755)
    for argv in (("run", "--", "true"), ("attach", "-p", "1", "-d", "1"), ("countdown",)):
        result = harness.call("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy,
                              *argv)
        check_refused(result, "root")


def in_own_mounts(script):
    """Runs a script in a mount namespace of its own."""
    harness.needs_mount_namespace()
    return harness.call("unshare", "-m", "sh", "-c", script)


@case
def no_btf():
    script = f"mount -t tmpfs none /sys/kernel/btf && exec {CONVOY} run -- true"
    check_refused(in_own_mounts(script), "BTF")


@case
def no_bpf_calls_allowed():
    check_refused(harness.call(workload("w_nobpf"), CONVOY, "run", "--", "true"), "bpf")


@case
def wrong_use():
    for argv, word in ((("run", "--no-such-option", "--", "true"), "--no-such-option"),
                       (("run", "-Z", "--", "true"), "Z"), (("run",), "COMMAND"),
                       (("no-such-command",), "no-such-command"), ((), "command"),
                       (("run", "--ring-size", "many", "--", "true"), "many"),
                       (("run", "--ring-size", "-1", "--", "true"), "-1"),
                       (("run", "--format", "poem", "--", "true"), "poem"),
                       (("attach", "-p", "1", "-d", "soon"), "soon"),
                       (("attach",), "-p"), (("report",), "DIR"),
                       (("report", "/nowhere/at/all"), "/nowhere/at/all"),
                       (("countdown", "--rounds", "0"), "rounds"),
                       (("countdown", "--rounds", "1e3"), "1e3"),
                       (("countdown", "--variant", "poem"), "poem"),
                       (("countdown", "--python", "/nowhere/python"), "/nowhere/python")):
        result = convoy(*argv)
        check(result.status == 2, f"{argv}: status {result.status}\n{result.stderr}")
        check(word in result.stderr, f"{argv}: '{word}' is not in: {result.stderr}")
        check(not result.stdout, f"{argv}: something went to stdout")


@case
def an_output_directory_that_is_not_empty_is_refused_first():
    place = os.path.join(harness.folder, "trace")
    os.mkdir(place)
    with open(os.path.join(place, "precious"), "w", encoding="ascii") as file:
        file.write("mine")
    mark = os.path.join(harness.folder, "mark")
    result = convoy("run", "-o", place, "--", "touch", mark)
    check_refused(result, place)
    check(os.listdir(place) == ["precious"], "the directory was changed")
    check(not os.path.exists(mark), "the command ran all the same")


@case
def a_planted_symlink_is_not_followed():
    victim = os.path.join(harness.folder, "victim")
    os.mkdir(victim)
    for name in ("trace", "trace.partial"):
        link = os.path.join(harness.folder, name)
        os.symlink(victim, link)
        convoy("run", "-o", os.path.join(harness.folder, "trace"), "--", "true")
        check(not os.listdir(victim), f"wrote through the link at {name}")
        if os.path.islink(link):
            os.unlink(link)
        shutil.rmtree(os.path.join(harness.folder, "trace"), ignore_errors=True)


def on_small_disk(script, size="256k"):
    """Runs a script in a mount namespace of its own, with a small file system at disk."""
    disk = os.path.join(harness.folder, "disk")
    os.makedirs(disk, exist_ok=True)
    mount = f"mount -t tmpfs -o size={size},mode=0755 none {disk} && cd {disk} && "
    return in_own_mounts(mount + script)


@case
def a_full_disk_leaves_no_half_trace():
    load = f"{workload('w_pingpong')} --turns 20000"
    result = on_small_disk(f"{CONVOY} run -o trace -- {load}; echo status $?; ls -A")
    check("trace" not in result.stdout.split("status", 1)[1].split(), f"left: {result.stdout}")
    check("status 2" in result.stdout, f"{result.stdout}\n{result.stderr}")
    check("No space left on device" in result.stderr and "trace" in result.stderr,
          f"the message does not name file and cause: {result.stderr}")


@case
def a_full_disk_for_the_spool_still_gives_totals():
    load = f"{workload('w_pingpong')} --turns 60000"
    result = on_small_disk(f"TMPDIR=. {CONVOY} run --report /dev/stderr --format json -- {load}; "
                           "echo status $?; ls -A")
    check(not result.stdout.split("status", 1)[1].split()[1:], f"left: {result.stdout}")
    check(result.stderr.strip(), "no report and no message")


@case
def a_small_disk_for_the_spool_is_left_to_the_analysis():
    """The critical path needs room there; a copy of the slices only saves time."""
    path = os.path.join(harness.folder, "trace")
    result = convoy("run", "-o", path, "--", workload("w_pingpong"), "--turns", "60000", "--pin",
                    "0")
    check(result.status == 0, result.stderr)
    # Slices go there in full chunks, of 40 bytes each: a copy of them would just fit.
    chunk = 128 << 10
    size = harness.Trace(path).meta["slices_produced"] // chunk * chunk * 40
    check(size > 4 << 20, f"{size} bytes of slices need no spool")
    result = on_small_disk(f"TMPDIR=$PWD {CONVOY} report --format json {path}",
                           size=f"{size + (200 << 10)}")
    told = json.loads(result.stdout)
    check(told["critical_path"] and told["what_if"]["model"] == "good", f"{told['what_if']}")


@case
def the_report_on_a_full_device_is_an_error():
    result = convoy("run", "--report", "/dev/full", "--", "true")
    check(result.status == 2, f"status {result.status}")
    check("/dev/full" in result.stderr, result.stderr)


def start_run(*argv, **options):
    """A run of sleep, in the end; returns (convoy's process, pid of the command) once it sleeps."""
    process = harness.start([CONVOY, "run", *argv], start_new_session=True, **options)
    harness.wait_until(lambda: any(is_sleep(child) for child in harness.children(process.pid)),
                       "the command starts")
    return process, harness.children(process.pid)[0]


def is_sleep(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
            return file.read() == "sleep\n"
    except OSError:
        return False


@case
def ctrl_c_of_a_terminal_gives_the_report():
    path = os.path.join(harness.folder, "trace")
    process, pid = start_run("-o", path, "--", "sleep", "30")
    time.sleep(0.3)
    begin = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    result = harness.finish(process)
    timely(time.monotonic() - begin < 2, f"it took {time.monotonic() - begin:.1f} s")
    check(result.status == 130, f"status {result.status}")
    check(not harness.is_alive(pid), "the command did not get the Ctrl-C")
    arithmetic.verify(harness.Trace(path))


@case
def a_command_that_ignores_ctrl_c_is_left_running():
    path = os.path.join(harness.folder, "trace")
    process, pid = start_run("-o", path, "--", "sh", "-c",
                             "trap '' INT; exec sleep 15 >/dev/null 2>&1")
    time.sleep(0.3)
    begin = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    result = harness.finish(process)
    took = time.monotonic() - begin
    try:
        timely(1.5 < took < 4, f"it took {took:.1f} s, not about 2")
        check(result.status == 130, f"status {result.status}")
        check("still running" in result.stderr, result.stderr)
        check(harness.is_alive(pid), "the command was killed")
        trace = arithmetic.verify(harness.Trace(path))
        check(trace.meta["interrupted"], "meta.json does not say so")
    finally:
        os.kill(pid, signal.SIGKILL)


@case
def a_second_ctrl_c_ends_at_once():
    process, pid = start_run("--", "sh", "-c", "trap '' INT; exec sleep 15 >/dev/null 2>&1")
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.3)
    begin = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=10)
    timely(time.monotonic() - begin < 0.5, "the second one was not heeded at once")
    os.kill(pid, signal.SIGKILL)


@case
def a_signal_meant_for_convoy_reaches_the_command():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        process, pid = start_run("--", "sleep", "30")
        process.send_signal(number)
        result = harness.finish(process, 10)
        check(not harness.is_alive(pid), f"signal {number} did not reach the command")
        check(result.status == 128 + number, f"signal {number}: status {result.status}")
        check(result.stderr.strip(), "no report")


@case
def killed_with_sigkill_nothing_is_left_and_the_target_lives():
    before = harness.programs()
    for number in range(5):
        target = subprocess.Popen([workload("w_pingpong"), "--turns", "100000000"],
                                  stdout=subprocess.DEVNULL)
        process = harness.start([CONVOY, "attach", "-p", str(target.pid)])
        time.sleep(0.1 + 0.2 * number)  # while loading, attaching, observing
        process.kill()
        process.communicate(timeout=10)
        alive = harness.is_alive(target.pid)
        target.kill()
        target.wait()
        check(alive, "the target died with convoy")
        harness.check_nothing_left(before)


@case
def a_command_outlives_convoys_sigkill():
    before = harness.programs()
    process, pid = start_run("--", "sleep", "30")
    process.kill()
    process.communicate(timeout=10) if not harness.is_alive(pid) else process.wait(10)
    alive = harness.is_alive(pid)
    if alive:
        os.kill(pid, signal.SIGKILL)
    check(alive, "the command died with convoy")
    harness.check_nothing_left(before)


@case
def no_files_are_left_in_tmpdir():
    spool = os.path.join(harness.folder, "tmp")
    os.mkdir(spool)
    convoy("run", "--", workload("w_pingpong"), "--turns", "20000",
           env=dict(os.environ, TMPDIR=spool))
    check(not os.listdir(spool), f"left: {os.listdir(spool)}")


@case
def only_one_cpu_allowed_is_seen():
    if os.cpu_count() < 2:
        raise Skip("one CPU only")
    path = os.path.join(harness.folder, "trace")
    result = harness.call("taskset", "-c", "0", CONVOY, "run", "-o", path, "--",
                          workload("w_spin"), "--threads", "2", "--ms", "60")
    check(result.status == 0, result.stderr)
    trace = arithmetic.verify(harness.Trace(path))
    check([step["cpus"] for step in trace.meta["usable_cpus"]][-1:] == [1],
          f"usable CPUs: {trace.meta['usable_cpus']}")
    waited = sum(row["preempted_ns"] + row["queued_ns"] for row in trace.threads)
    check(waited > 80 * MS, f"two threads on one CPU waited only {waited} ns for it")


harness.main()
