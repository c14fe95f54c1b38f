#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""`convoy run` as a well-behaved parent: status, signals, descriptors, users, where output goes."""

import os
import pwd
import signal
import stat
import subprocess

import harness
from harness import Skip, case, check, convoy, workload


@case
def the_status_is_the_commands_own():
    for status in (0, 1, 7, 127, 255):
        result = convoy("run", "--", "sh", "-c", f"exit {status}")
        check(result.status == status, f"exit {status} became {result.status}\n{result.stderr}")


@case
def death_by_a_signal_is_128_more():
    for name in ("TERM", "KILL", "INT", "HUP", "SEGV", "ABRT", "USR1", "PIPE", "QUIT"):
        expected = 128 + getattr(signal, "SIG" + name)
        result = convoy("run", "--", "sh", "-c", f"ulimit -c 0; kill -{name} $$")
        check(result.status == expected, f"{name} became {result.status}\n{result.stderr}")


@case
def what_cannot_be_executed_is_126_and_what_is_not_there_127():
    plain = os.path.join(harness.folder, "plain")
    with open(plain, "w", encoding="ascii") as file:
        file.write("no program\n")
    for command, status in ((plain, 126), (harness.folder, 126), ("/nowhere/at/all", 127),
                            ("convoy-no-such-command", 127)):
        result = convoy("run", "--", command)
        check(result.status == status, f"{command}: {result.status}, not {status}")
        check(command in result.stderr, f"the message does not name '{command}'")


@case
def stdout_is_the_commands_alone():
    result = convoy("run", "--", "printf", "a\\nb")
    check(result.raw_stdout == b"a\nb", f"stdout: {result.raw_stdout!r}")
    check(result.stderr.strip(), "no report on stderr")


@case
def stdin_is_the_commands():
    result = convoy("run", "--", "cat", stdin=subprocess.DEVNULL)
    check(result.status == 0 and not result.raw_stdout, "cat read something from nothing")
    process = harness.start([harness.CONVOY, "run", "--", "cat"], stdin=subprocess.PIPE)
    stdout, _ = process.communicate(b"hello", timeout=20)
    check(stdout == b"hello", f"cat gave {stdout!r}")


@case
def the_report_goes_where_it_is_sent():
    path = os.path.join(harness.folder, "report.txt")
    result = convoy("run", "--report", path, "--", "echo", "hi")
    check(result.raw_stdout == b"hi\n", "stdout is not the command's alone")
    with open(path, encoding="utf-8") as file:
        check("convoy" in file.read(), "no report in the file")
    result = convoy("run", "-q", "--report", "-", "--format", "json", "--", "true")
    check(result.stdout.lstrip().startswith("{"), "no report on stdout with --report -")


@case
def the_command_inherits_what_a_shell_would_give_it():
    # Three descriptors and nothing else; the rest as convoy found it.
    ours = {"close_fds": False}
    bare = harness.call(workload("w_inherit"), close_fds=True).stdout
    held = convoy("run", "--", workload("w_inherit"), **ours).stdout
    check(held.count("fd number=") == 3, f"descriptors:\n{held}")
    check(bare == held, "bare and under convoy differ:\n" + differing(bare, held))


@case
def ignored_and_blocked_signals_are_as_convoy_found_them():
    def prepare():
        signal.signal(signal.SIGUSR2, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

    bare = harness.call(workload("w_inherit"), preexec_fn=prepare).stdout
    held = convoy("run", "--", workload("w_inherit"), preexec_fn=prepare).stdout
    check(bare == held, "bare and under convoy differ:\n" + differing(bare, held))


def differing(one, other):
    ones, others = set(one.splitlines()), set(other.splitlines())
    return "\n".join(sorted("- " + line for line in ones - others)
                     + sorted("+ " + line for line in others - ones))


def nobody():
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise Skip("there is no user nobody") from None


def status_lines(text, word):
    return [line.split()[2:] for line in text.splitlines() if line.startswith(f"status {word}")]


def reachable(name):
    """A copy of a workload where any user can run it."""
    path = os.path.join(harness.folder, name)
    subprocess.run(["cp", workload(name), path], check=True)
    os.chmod(path, 0o755)
    return path


def check_is_nobody(text, user):
    check(status_lines(text, "Uid:") == [[str(user.pw_uid)] * 4], f"user ids:\n{text}")
    check(status_lines(text, "Gid:") == [[str(user.pw_gid)] * 4], f"group ids:\n{text}")
    check(status_lines(text, "CapEff:") == [["0" * 16]], f"capabilities are left:\n{text}")
    check(status_lines(text, "CapPrm:") == [["0" * 16]], f"capabilities are left:\n{text}")
    check(f"env HOME={user.pw_dir}" in text, f"HOME is not the user's:\n{text}")
    check(f"env USER={user.pw_name}" in text, f"USER is not the user's:\n{text}")


@case
def a_user_is_chosen_with_u():
    user = nobody()
    result = convoy("run", "-u", "nobody", "--", reachable("w_inherit"))
    check_is_nobody(result.stdout, user)


@case
def under_sudo_the_command_is_the_invoking_users():
    user = nobody()
    environment = dict(os.environ, SUDO_UID=str(user.pw_uid), SUDO_GID=str(user.pw_gid),
                       SUDO_USER="nobody")
    program = reachable("w_inherit")
    result = convoy("run", "--", program, env=environment)
    check_is_nobody(result.stdout, user)
    check("nobody" in result.stderr, "convoy does not say as whom the command runs")
    result = convoy("run", "--as-root", "--", program, env=environment)
    check(status_lines(result.stdout, "Uid:") == [["0"] * 4], "--as-root does not keep root")
    path = os.path.join(harness.folder, "trace")
    convoy("run", "-o", path, "--", "true", env=environment)
    owner = os.stat(os.path.join(path, "meta.json"))
    check(owner.st_uid == user.pw_uid, "the trace does not belong to the sudo user")


@case
def a_malformed_sudo_uid_is_refused():
    for text in ("", "x", "-1", "0x10", "99999999999999999999"):
        result = convoy("run", "--", "true", env=dict(os.environ, SUDO_UID=text, SUDO_GID="1"))
        check(result.status == 2, f"SUDO_UID='{text}' gave status {result.status}")


@case
def an_unknown_user_is_refused():
    result = convoy("run", "-u", "no-such-user", "--", "true")
    check(result.status == 2 and "no-such-user" in result.stderr, result.stderr)


@case
def a_trace_is_private():
    path = os.path.join(harness.folder, "trace")
    convoy("run", "-o", path, "--", "true")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o700, "the directory's mode is not 0700")
    for name in os.listdir(path):
        mode = stat.S_IMODE(os.stat(os.path.join(path, name)).st_mode)
        check(mode == 0o600, f"the mode of {name} is {mode:o}, not 0600")


@case
def a_trace_is_reported_again_from_its_files():
    path = os.path.join(harness.folder, "trace")
    first = convoy("run", "--report", "first.json", "--format", "json", "-o", path, "--",
                   workload("w_mutex"), "--rounds", "5")
    check(first.status == 0, first.stderr)
    again = convoy("report", path, "--format", "json")
    check(again.status == 0, again.stderr)
    with open(os.path.join(harness.folder, "first.json"), encoding="utf-8") as file:
        check(file.read() == again.stdout, "the report from the files differs from the first")


harness.main()
