#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The command line as a person meets it: mistakes answered, help, terminals, colours, where reports
go, readers that leave, traces that are broken."""

import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time

import harness
from harness import CONVOY, case, check, convoy, timely

CATCHER = """
import signal, sys, time
caught = []
signal.signal(signal.SIGINT, lambda *_: caught.append(1))
print("ready", flush=True)
deadline = time.monotonic() + float(sys.argv[1])
while time.monotonic() < deadline and not caught:
    time.sleep(0.02)
time.sleep(0.5)
print("caught", len(caught), flush=True)
"""


def place(name):
    return os.path.join(harness.folder, name)


def saved_trace():
    path = place("trace")
    result = convoy("run", "-q", "-o", path, "--", "sleep", "0.05")
    check(result.status == 0, result.stderr)
    return path


class Terminal:
    """A command on a terminal of its own; what it shows is gathered meanwhile."""

    def __init__(self, *argv, environment=None):
        self.shown = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(argv[0], argv, dict(os.environ, TERM="xterm", **(environment or {})))
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        while True:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:  # the last holder of the terminal is gone
                return
            if not piece:
                return
            self.shown += piece

    def press(self, key):
        os.write(self.fd, key)

    def wait_for(self, word):
        harness.wait_until(lambda: word in self.shown, f"{word} is shown")

    def end(self):
        self.reader.join(20)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return status if status >= 0 else 128 - status


@case
def without_a_command_the_overview_is_on_stderr():
    result = convoy()
    check(result.status == 2 and not result.stdout, f"{result.status} {result.stdout!r}")
    asked = convoy("--help")
    check(asked.status == 0 and not asked.stderr, f"{asked.status} {asked.stderr!r}")
    check(asked.stdout == result.stderr, "the two overviews differ")


@case
def help_of_a_command_has_two_ways():
    for command in ("run", "attach", "report"):
        one, other = convoy("help", command), convoy(command, "--help")
        check(one.status == other.status == 0, f"status {one.status} and {other.status}")
        check(one.stdout == other.stdout, f"help {command} and {command} --help differ")
        check(not re.search(r"[ \t]$", one.stdout, re.MULTILINE), "blanks at the end of a line")
    check(convoy("help", "nothing").status == 2, "help of a command that is not there")


@case
def a_mistyped_name_gets_the_closest_one():
    for argv, closest in ((("rnu",), "'run'"), (("atach",), "'attach'"), (("rep",), "'report'"),
                          (("run", "--formt", "json", "--", "true"), "'--format'"),
                          (("run", "--asroot", "--", "true"), "'--as-root'"),
                          (("attach", "--durtaion", "1"), "'--duration'"),
                          (("help", "rnu"), "'run'")):
        result = convoy(*argv)
        check(result.status == 2, f"{argv}: status {result.status}")
        check(f"did you mean {closest}?" in result.stderr, f"{argv}: {result.stderr}")
        check("--help'" in result.stderr, f"{argv}: not said what to try: {result.stderr}")


@case
def a_far_name_gets_no_suggestion():
    for argv in (("zebra",), ("run", "--zebra", "--", "true"), ("zebra" * 30,)):
        result = convoy(*argv)
        check(result.status == 2, f"{argv}: status {result.status}")
        check("did you mean" not in result.stderr, f"{argv}: {result.stderr}")


@case
def hostile_words_cannot_drive_the_terminal():
    for argv in (("\x1b[2J",), ("run", "--\x1b[2J"), ("run", "--format", "\x1b]0;x\x07", "x"),
                 ("attach", "-p", "\x1b[31m"), ("report", "\x1b[2J")):
        result = convoy(*argv)
        check(result.status == 2, f"{argv}: status {result.status}")
        check("\x1b" not in result.stderr, f"{argv}: an escape went through")


@case
def long_names_are_never_abbreviated():
    result = convoy("run", "--form", "json", "--", "true")
    check(result.status == 2 and "'--format'" in result.stderr, result.stderr)


@case
def options_may_be_written_in_every_usual_way():
    for number, words in enumerate((("-o", "{}"), ("-o{}",), ("--output", "{}"), ("--output={}",),
                                    ("-qo", "{}"), ("-qo{}",))):
        path = place(f"trace{number}")
        result = convoy("run", *(word.format(path) for word in words), "true")
        check(result.status == 0, result.stderr)
        check(os.path.exists(os.path.join(path, "meta.json")), f"{words}: no trace")


@case
def what_follows_the_command_is_the_commands():
    for words in (("echo", "-q", "--help"), ("--", "echo", "-q", "--help")):
        result = convoy("run", *words)
        check(result.stdout == "-q --help\n", f"{words}: {result.stdout!r}")
    result = convoy("run", "--", "--help")
    check(result.status == 127 and "--help" in result.stderr, result.stderr)


@case
def options_that_exclude_each_other_are_refused():
    for words in (("-q", "-v"), ("-u", "nobody", "--as-root")):
        result = convoy("run", *words, "--", "true")
        check(result.status == 2 and "exclude" in result.stderr, f"{words}: {result.stderr}")


@case
def quiet_says_nothing():
    result = convoy("run", "-q", "--report", place("report"), "--", "true")
    check(result.status == 0 and not result.stderr, result.stderr)


@case
def ctrl_c_of_a_terminal_reaches_the_command_once():
    terminal = Terminal(CONVOY, "run", "--report", place("report"), "--", sys.executable, "-c",
                        CATCHER, "20")
    terminal.wait_for(b"ready")
    terminal.press(b"\x03")
    status = terminal.end()
    check(b"caught 1\r" in terminal.shown, f"shown: {terminal.shown!r}")
    check(status == 0, f"status {status}: the command's own was 0")
    check(os.path.getsize(place("report")) > 0, "no report")


@case
def ctrl_c_twice_on_a_terminal_ends_convoy_at_once():
    script = "trap '' INT; echo ready; exec sleep 15 </dev/null >/dev/null 2>&1"
    terminal = Terminal(CONVOY, "run", "--", "sh", "-c", script)
    terminal.wait_for(b"ready")
    pid = harness.children(terminal.pid)[0]
    terminal.press(b"\x03")
    time.sleep(0.3)
    begin = time.monotonic()
    terminal.press(b"\x03")
    status = os.waitstatus_to_exitcode(os.waitpid(terminal.pid, 0)[1])
    took = time.monotonic() - begin
    os.kill(pid, signal.SIGKILL)
    terminal.reader.join(20)
    check(status == 130, f"status {status}")
    timely(took < 0.5, f"it took {took:.1f} s")


def colours_of(shown):
    return b"\x1b[" in shown


@case
def colours_are_for_terminals_that_want_them():
    path = saved_trace()
    plain = convoy("report", path)
    check(not colours_of(plain.raw_stdout), "colours in a pipe")
    forced = convoy("report", path, "--color", "always", env=dict(os.environ, NO_COLOR="1"))
    check(colours_of(forced.raw_stdout), "no colours with --color always")
    for words, environment, wanted in (((), {}, True), ((), {"NO_COLOR": "1"}, False),
                                       ((), {"TERM": "dumb"}, False),
                                       (("--color=never",), {}, False)):
        environment = {"TERM": "xterm", **environment}
        environment = [f"{name}={value}" for name, value in environment.items()]
        terminal = Terminal("env", *environment, CONVOY, "report", path, *words)
        check(terminal.end() == 0, f"shown: {terminal.shown!r}")
        check(colours_of(terminal.shown) == wanted, f"{words} {environment}: {terminal.shown!r}")


@case
def a_report_replaces_an_older_one_whole():
    path = place("report")
    with open(path, "w", encoding="ascii") as file:
        file.write("old\n" * 10000)
    result = convoy("run", "--report", path, "--", "true")
    check(result.status == 0, result.stderr)
    with open(path, encoding="utf-8") as file:
        check("old\n" not in file.read(), "something of the old one is left")
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "its mode is not 0600")
    check(os.listdir(harness.folder) == ["report"], f"left: {os.listdir(harness.folder)}")


@case
def a_report_belongs_to_the_user_behind_sudo():
    environment = dict(os.environ, SUDO_UID="65534", SUDO_GID="65534")
    convoy("run", "--report", place("report"), "--as-root", "--", "true", env=environment)
    found = os.stat(place("report"))
    check((found.st_uid, found.st_gid) == (65534, 65534), f"owner {found.st_uid}:{found.st_gid}")


@case
def a_place_that_cannot_be_written_is_refused_before_the_command_starts():
    os.mkdir(place("directory"))
    os.mkfifo(place("fifo"))
    with open(place("victim"), "w", encoding="ascii") as file:
        file.write("mine")
    os.symlink(place("victim"), place("link"))
    os.mkdir(place("trace.partial"))
    for option, path in (("--report", "directory"), ("--report", "directory/"),
                         ("--report", "fifo"), ("--report", "link"), ("--report", "missing/report"),
                         ("-o", "missing/trace"), ("-o", "link"), ("-o", "trace"),
                         ("-o", "trace/")):
        mark = place("mark")
        result = convoy("run", option, place(path), "--", "touch", mark)
        check(result.status == 2, f"{path}: status {result.status}")
        check(path.strip("/") in result.stderr, f"{path}: not named in {result.stderr}")
        check(not os.path.exists(mark), f"{path}: the command ran all the same")
    with open(place("victim"), encoding="ascii") as file:
        check(file.read() == "mine", "the link was followed")
    os.rmdir(place("trace.partial"))
    check(not [name for name in os.listdir(harness.folder) if "partial" in name], "files are left")


@case
def a_report_may_go_to_what_the_shell_opened():
    script = f"{CONVOY} run -q --report >(sed s/^/seen:/ >{place('seen')}) -- true; sleep 0.3"
    result = harness.call("bash", "-c", script)
    check(not result.stderr, result.stderr)
    with open(place("seen"), encoding="utf-8") as file:
        check(file.read().startswith("seen:"), "nothing came through")
    result = convoy("run", "-q", "--report", "/dev/null", "--", "true")
    check(result.status == 0 and not result.stderr, result.stderr)
    check(stat.S_ISCHR(os.stat("/dev/null").st_mode), "/dev/null is a device no more")


@case
def a_reader_that_leaves_is_no_error():
    path = saved_trace()
    for words in (("--help",), ("run", "--help"), ("report", path), ("report", "--schema")):
        reading, writing = os.pipe()
        os.close(reading)
        process = harness.start([CONVOY, *words], stdout=writing)
        os.close(writing)
        result = harness.finish(process)
        check(result.status == 141, f"{words}: status {result.status}")
        check(not result.stderr, f"{words}: {result.stderr}")


@case
def what_is_said_to_a_closed_descriptor_goes_nowhere():
    # Without descriptors 0, 1 and 2, the third file opened is the report's: it would get the talk.
    report = place("report")
    script = f"exec {CONVOY} run --report {report} -- sh -c 'ls /proc/$$/fd >{place('fds')}'"
    result = harness.call("sh", "-c", script + " <&- >&- 2>&-")
    check(result.status == 0, f"status {result.status}")
    with open(report, encoding="utf-8") as file:
        check(file.read().startswith("convoy run "), "the report begins with something else")
    with open(place("fds"), encoding="utf-8") as file:
        seen = file.read().split()
    check(not {"0", "2"} & set(seen), f"descriptors of the command: {seen}")


@case
def a_full_device_is_an_error():
    path = saved_trace()
    for words in (("--help",), ("--version",), ("run", "--help"), ("report", path),
                  ("report", "--schema"), ("report", path, "--format", "json"),
                  ("run", "--report", "-", "--", "true"), ("attach", "-p", "1", "-d", "0.1")):
        with open("/dev/full", "wb") as full:
            result = harness.finish(harness.start([CONVOY, *words], stdout=full))
        check(result.status == 2, f"{words}: status {result.status}")
        check("No space left on device" in result.stderr, f"{words}: {result.stderr!r}")


@case
def a_broken_trace_is_refused_with_file_and_line():
    path = saved_trace()
    threads = os.path.join(path, "threads.csv")
    with open(threads, encoding="utf-8") as file:
        lines = file.readlines()
    for number, line in ((1, "nonsense\n"), (2, "x" + lines[1]), (2, lines[1].rstrip() + ",1\n")):
        broken = lines[:]
        broken[number - 1] = line
        with open(threads, "w", encoding="utf-8") as file:
            file.writelines(broken)
        result = convoy("report", path)
        check(result.status == 2 and not result.stdout, f"{line!r}: status {result.status}")
        check(f"threads.csv:{number}:" in result.stderr, f"{line!r}: {result.stderr}")


@case
def what_is_no_trace_is_refused():
    os.mkdir(place("empty"))
    os.mkdir(place("countdown"))
    with open(place("countdown/report.json"), "w", encoding="ascii") as file:
        file.write("{}")
    for path in ("empty", "countdown", "missing", "countdown/report.json"):
        result = convoy("report", place(path))
        check(result.status == 2 and not result.stdout, f"{path}: status {result.status}")
        check(path in result.stderr, f"{path}: {result.stderr}")


@case
def a_countdown_is_reported_again_from_its_directory():
    # One interpreter as the root of DIR, then two, each in a directory of its own.
    for name, pythons in (("one", ["/usr/bin/python3"]), ("two", ["/usr/bin/python3"] * 2)):
        path = place(name)
        words = [word for python in pythons for word in ("--python", python)]
        first = convoy("countdown", "--rounds", "2", "--count", "200000", "-o", path, "--variant",
                       "threads,native,subinterpreters", *words)
        check(first.status == 0, first.stderr)
        again = convoy("report", path)
        check(again.status == 0, again.stderr)
        check(again.stdout == first.stdout,
              f"{name}: first\n{first.stdout}\nthen\n{again.stdout}")
        with open(os.path.join(path, "report.json"), encoding="utf-8") as file:
            check(convoy("report", path, "--format", "json").stdout == file.read(),
                  f"{name}: JSON differs from report.json")
    run = convoy("report", place("one/threads/1"))
    check(run.status == 0 and run.stdout.startswith("convoy"), run.stderr)


@case
def a_countdown_with_runs_missing_is_refused():
    path = place("countdown")
    convoy("countdown", "--rounds", "2", "--count", "200000", "-o", path)
    for missing in ("serial/1", "threads", ""):
        shutil.rmtree(os.path.join(path, missing) if missing else path)
        result = convoy("report", path)
        check(result.status == 2 and path in result.stderr, f"{missing}: {result.stderr}")
        check(not result.stdout, f"{missing}: a report of what is left")


@case
def attach_tells_its_targets_apart():
    wrong = [("0", "not a process number"), ("4194305", "not a process number"),
             ("1,", "commas"), ("4194304", "no process")]
    found = subprocess.run(["pgrep", "-x", "kthreadd"], capture_output=True, check=False).stdout
    if found:  # in a container the kernel's threads are not seen
        wrong.append((found.decode().split()[0], "kernel thread"))
    sleeper = subprocess.Popen(["sleep", "30"])
    try:
        for word, words in wrong:
            result = convoy("attach", "-d", "0.1", "-p", word)
            check(result.status == 2 and words in result.stderr, f"{word}: {result.stderr}")
        result = convoy("attach", "-d", "0.2", "-p", str(sleeper.pid), "-p", str(sleeper.pid))
        check(result.status == 0 and result.stdout, result.stderr)
    finally:
        sleeper.kill()
        sleeper.wait()


@case
def a_thread_is_told_from_its_process():
    stop = threading.Event()
    tids = []
    thread = threading.Thread(target=lambda: (tids.append(threading.get_native_id()), stop.wait()))
    thread.start()
    harness.wait_until(lambda: tids, "the thread starts")
    try:
        result = convoy("attach", "-d", "0.1", "-p", str(tids[0]))
        check(result.status == 2 and f"-p {os.getpid()}" in result.stderr, result.stderr)
    finally:
        stop.set()
        thread.join()


harness.main()
