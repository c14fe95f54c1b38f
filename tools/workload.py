# SPDX-License-Identifier: GPL-2.0-only
#
# The work of `convoy countdown`: the same count done in one of several ways, one way a process.
# Runs unchanged on CPython 2.7 and later, PyPy and Jython. Not for measuring: convoy does that.
#
#   python -c SOURCE probe 0|1                    answers questions about the interpreter, 1: and
#                                                 how fast it counts
#   python -c SOURCE VARIANT WORKERS COUNT [LIB]  says "ready", reads a line, works, says "done",
#                                                 reads a line, ends
#
# What this interpreter cannot do is answered by "skip REASON" in place of "ready".

import sys

# A module in the current directory must not take the place of the library's.
sys.path[:] = [path for path in sys.path if path]

import os
import platform
import signal
import threading
import time

NAPS = 50  # of a worker that waits: 50 times 10 ms
NAP_SECONDS = 0.01
WARM_UP_SECONDS = 5  # at most
WARM_UP_BATCH_SECONDS = 0.05
WARM_UP_CALM = 8  # so many batches in a row that were no faster than the best
PROBE_SECONDS = 0.2  # a count as long as this tells the speed
EXIT_FAILED = 1

clock = getattr(time, "perf_counter", time.time)
cpu_clock = getattr(time, "process_time", None)
if cpu_clock is None:  # before 3.3, where clock() is the CPU's; on Jython it is the wall's
    cpu_clock = time.clock
standard_input = sys.stdin.fileno()  # not 0 and 1: on Jython these are objects
standard_output = sys.stdout.fileno()


def countdown(n):
    while n > 0:
        n -= 1


def wait(unused):
    for _ in range(NAPS):
        time.sleep(NAP_SECONDS)


class Skip(Exception):
    pass


def say(line):
    os.write(standard_output, (line + "\n").encode("utf-8"))


def read_line():
    # One plain read(2) a byte: the main thread blocks in it, and nothing is read ahead.
    while True:
        byte = os.read(standard_input, 1)
        if not byte:
            os._exit(EXIT_FAILED)  # convoy is gone
        if byte == b"\n":
            return


def warm_up():
    """Counts until a JIT compiler has nothing left to make faster."""
    if platform.python_implementation() == "CPython":
        return
    end = clock() + WARM_UP_SECONDS
    count = 1000
    best = calm = 0
    while calm < WARM_UP_CALM and clock() < end:
        begin = clock()
        countdown(count)
        seconds = clock() - begin
        if seconds < WARM_UP_BATCH_SECONDS:
            count *= 2
        elif count / seconds > best * 1.05:
            best = count / seconds
            calm = 0
        else:
            calm += 1


# How the work is done: each takes the work of one worker, how many workers, and the count of each.


def in_a_row(work, workers, count):
    for _ in range(workers):
        work(count)


def in_threads(work, workers, count):
    failed = []

    def worker():
        try:
            work(count)
        except BaseException:
            failed.append(True)
            raise

    threads = [threading.Thread(target=worker) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError("a worker failed")


children = []


def kill_children(signum, frame):
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except OSError:
            pass
    os._exit(128 + signum)


def in_processes(work, workers, count):
    for _ in range(workers):
        child = os.fork()
        if child == 0:
            status = EXIT_FAILED
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                work(count)
                status = 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(status)
        children.append(child)
    failed = 0
    while children:
        failed += os.waitpid(children[0], 0)[1] != 0
        del children[0]
    if failed:
        raise RuntimeError("%d of the forked workers failed" % failed)


# What a variant needs before it is ready: each gives the work of one worker, or says why not.


def plain(unused):
    return countdown


def waiting(unused):
    return wait


def forking(unused):
    if not hasattr(os, "fork"):
        raise Skip("this interpreter has no os.fork")
    signal.signal(signal.SIGTERM, kill_children)
    return countdown


def releasing(library):
    try:
        import ctypes
    except ImportError:
        raise Skip("this interpreter has no ctypes")
    if not library:
        return None
    try:
        function = ctypes.CDLL(library).convoy_count
        function.argtypes = [ctypes.c_ulonglong]
        function.restype = None
    except Exception as error:
        raise Skip("ctypes cannot load the C loop: %s" % error)
    return function


def isolated(unused):
    try:
        import _interpreters as interpreters  # 3.13
    except ImportError:
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            interpreters = None
    if interpreters is None or sys.version_info < (3, 12):
        raise Skip("interpreters with a GIL of their own need CPython 3.12 or later")

    def work(count):
        interpreter = interpreters.create()
        failure = interpreters.run_string(
            interpreter,
            "n = %d\ndef countdown(n):\n    while n > 0:\n        n -= 1\ncountdown(n)\n" % count,
        )
        interpreters.destroy(interpreter)
        if failure is not None:
            raise RuntimeError("a sub-interpreter failed: %s" % (failure,))

    return work


VARIANTS = {
    "serial": (plain, in_a_row),
    "threads": (plain, in_threads),
    "processes": (forking, in_processes),
    "io-serial": (waiting, in_a_row),
    "io": (waiting, in_threads),
    "nogil-serial": (releasing, in_a_row),
    "nogil": (releasing, in_threads),
    "subinterpreters": (isolated, in_threads),
}


def name_of_interpreter():
    name = platform.python_implementation()
    version = platform.python_version()
    info = getattr(sys, "pypy_version_info", None)
    if info:
        return "%s %d.%d.%d (Python %s)" % ((name,) + tuple(info[:3]) + (version,))
    if hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled():
        version += " (free-threaded: no GIL)"
    return "%s %s" % (name, version)


def has_gil():
    if hasattr(sys, "_is_gil_enabled"):
        return sys._is_gil_enabled()
    return platform.python_implementation() in ("CPython", "PyPy")


def probe(measure):
    say("name " + name_of_interpreter())
    say("path " + (sys.executable or ""))
    say("gil %d" % has_gil())
    for name in sorted(VARIANTS):
        try:
            VARIANTS[name][0]("")
        except Skip as skip:
            say("without %s %s" % (name, skip))
    if not measure:
        return
    warm_up()
    # In CPU time: the machine may have other things to do.
    count = 100000
    while True:
        begin = cpu_clock()
        countdown(count)
        seconds = cpu_clock() - begin
        if seconds >= PROBE_SECONDS:
            break
        count *= 2
    say("speed %d %d" % (count, int(seconds * 1e9)))


def main():
    name = sys.argv[1]
    if name == "probe":
        probe(sys.argv[2] == "1")
        return
    workers = int(sys.argv[2])
    count = int(sys.argv[3])
    library = sys.argv[4] if len(sys.argv) > 4 else ""
    prepare, spread = VARIANTS[name]
    try:
        work = prepare(library)
    except Skip as skip:
        say("skip %s" % skip)
        return
    if work is countdown:
        warm_up()
    say("ready")
    read_line()
    spread(work, workers, count)
    say("done")
    read_line()


main()
