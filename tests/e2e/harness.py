# SPDX-License-Identifier: GPL-2.0-only
"""How an end-to-end test is written: cases, runs of convoy, traces read with nothing but a CSV
reader, the truth a workload prints about itself, and comparisons within stated margins.

A test file defines functions marked @case and ends with harness.main(). A case fails by raising
(check, near), is skipped by raising Skip, and may return a text: its figures. Files are made in a
directory of the case's own, which is removed afterwards.

Machines are shared: others may take the CPU in the middle of a measurement. A case whose times
(near, timely) do not come out is therefore measured anew, TRIES times at most, held to the same
margins each time, and the log says so. What is no matter of time (check) fails at once.
"""

import csv
import glob
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
CONVOY = os.path.join(TOP, "build", "convoy")
MS = 1000000  # ns
TIMEOUT = 60  # seconds, of one run
TRIES = 5  # of a case whose times do not come out
PROGRAM_OF_FD = re.compile(r"^prog_id:\s+(\d+)$", re.MULTILINE)
TEXT_COLUMNS = {"comm", "name", "kind", "state", "evidence", "op", "result", "mark", "phase"}

cases = []
folder = None  # of the case under way


class Skip(Exception):
    """This case cannot be tried here; the text says why."""


class Unsteady(AssertionError):
    """Times that did not come out: measured anew."""


def case(function):
    cases.append(function)
    return function


def workload(name):
    return os.path.join(TOP, "build", "e2e", name)


def check(is_good, text):
    if not is_good:
        raise AssertionError(text)


def timely(is_good, text):
    """As check, of something that a disturbed machine can spoil."""
    if not is_good:
        raise Unsteady(text)


def near(measured, truth, relative, absolute, what):
    """Fails unless measured is within the larger of the two margins; returns the difference."""
    margin = max(relative * abs(truth), absolute)
    timely(abs(measured - truth) <= margin,
           f"{what}: {measured} measured, {truth} true, off by {measured - truth}, "
           f"at most {margin:.0f} allowed")
    return measured - truth


class Result:
    """A finished run: status as a shell shows it, both outputs as bytes."""

    def __init__(self, process, stdout, stderr):
        self.status = process.returncode if process.returncode >= 0 else 128 - process.returncode
        self.raw_stdout, self.raw_stderr = stdout, stderr
        self.stdout = stdout.decode("utf-8", "replace")
        self.stderr = stderr.decode("utf-8", "replace")
        self.truth = Truth(self.stdout)


class Truth:
    """Lines "word key=value key=value …" that a workload printed."""

    def __init__(self, text):
        self.lines = []
        for line in text.splitlines():
            word, *pairs = line.split(" ")
            fields = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
            self.lines.append((word, {key: number(value) for key, value in fields.items()}))

    def all(self, word):
        return [fields for name, fields in self.lines if name == word]

    def one(self, word):
        found = self.all(word)
        check(len(found) == 1, f"the workload printed {len(found)} lines '{word}', not one")
        return found[0]

    def threads(self, role=None):
        return [row for row in self.all("thread") if role is None or row["role"] == role]


def number(text):
    """A number without leading zeros (decimal, fraction, or 0x…) as such, the rest as it is."""
    if re.fullmatch(r"-?(0|[1-9]\d*)|0x[0-9a-f]+", text):
        return int(text, 0)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else text


def start(argv, **options):
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    options.setdefault("cwd", folder)
    return subprocess.Popen(argv, **options)


def finish(process, timeout=TIMEOUT):
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        for pid in [process.pid, *children(process.pid)]:
            os.kill(pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        raise AssertionError(f"still running after {timeout} s: {process.args}\n"
                             f"{(stderr or b'').decode('utf-8', 'replace')}") from None
    return Result(process, stdout or b"", stderr or b"")


def call(*argv, timeout=TIMEOUT, **options):
    return finish(start([str(word) for word in argv], **options), timeout)


def convoy(*argv, timeout=TIMEOUT, **options):
    return call(CONVOY, *argv, timeout=timeout, **options)


def record(*argv, options=(), status=0, name="trace"):
    """`convoy run -o` of a command: (result, trace). The trace's sums are checked on the way."""
    import arithmetic

    path = os.path.join(folder, name)
    result = convoy("run", "-o", path, *options, "--", *argv)
    check(result.status == status,
          f"status {result.status}, not {status}\n{result.stderr}")
    trace = Trace(path)
    arithmetic.verify(trace)
    return result, trace


def watch(pids, seconds, *options, name="trace"):
    """`convoy attach -o` to processes: the trace, its sums checked."""
    import arithmetic

    path = os.path.join(folder, name)
    result = convoy("attach", "-p", ",".join(map(str, pids)), "-d", seconds, "-o", path, *options)
    check(result.status == 0, f"status {result.status}\n{result.stderr}")
    return arithmetic.verify(Trace(path))


class Trace:
    """A trace directory. Tables are lists of dicts: numbers as int, empty cells as None."""

    def __init__(self, path):
        self.path = path
        with open(os.path.join(path, "meta.json"), encoding="utf-8") as file:
            self.meta = json.load(file)
        self.start_ns, self.end_ns = int(self.meta["start_ns"]), int(self.meta["end_ns"])
        self.threads = self.table("threads")
        self.locks = self.table("locks")
        self.slices = self.table("slices")
        self.waits = self.table("waits")
        # Traces written by hand have none.
        self.parallel = self.table("parallel") if self.has("parallel") else []

    def has(self, name):
        return any(os.path.exists(os.path.join(self.path, name + end))
                   for end in (".csv", ".csv.gz"))

    def table(self, name):
        path = os.path.join(self.path, name + ".csv")
        if os.path.exists(path + ".gz"):
            with gzip.open(path + ".gz", "rt", encoding="utf-8", newline="") as file:
                return read_rows(file)
        with open(path, encoding="utf-8", newline="") as file:
            return read_rows(file)

    def thread(self, tid):
        found = [row for row in self.threads if row["tid"] == tid]
        check(len(found) == 1, f"{len(found)} rows of thread {tid} in threads.csv, not one")
        return found[0]

    def process(self, pid):
        return [row for row in self.threads if row["pid"] == pid]

    def locks_at(self, address, size=64):
        """Rows of the locks that begin within `size` bytes behind an address."""
        return [row for row in self.locks if address <= row["address"] < address + size]

    def wait_of(self, thread):
        """Time of a row of threads.csv in futex waits of every kind."""
        return sum(thread[name] for name in ("lock_ns", "condition_ns", "join_ns", "futex_ns"))


def cell(name, text):
    if name in TEXT_COLUMNS:
        return text
    return int(text, 0) if text else None


def read_rows(file):
    return [{name: cell(name, text) for name, text in row.items()}
            for row in csv.DictReader(file, strict=True)]


def unready(thread):
    """How long a row of threads.csv stood ready without a CPU: a thread's own clock counts that as
    waiting, so it widens the margin on a busy machine."""
    return thread["queued_ns"] + thread["preempted_ns"]


def unescape(text):
    """The bytes a text cell stands for: \\xNN is one byte."""
    return re.sub(rb"\\x([0-9a-fA-F]{2})", lambda found: bytes([int(found[1], 16)]),
                  text.encode("utf-8"))


def held_programs():
    """Numbers of the BPF programs of which a living process has a descriptor, or one of a link.
    Not every bpftool can tell."""
    held = set()
    for path in glob.iglob("/proc/[0-9]*/fdinfo/*"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                held.update(int(found) for found in PROGRAM_OF_FD.findall(file.read()))
        except OSError:
            pass
    return held


def programs():
    """Numbers of the loaded BPF programs that no living process holds: left behind."""
    bpftool = shutil.which("bpftool") or "/usr/sbin/bpftool"
    listing = subprocess.run([bpftool, "-j", "prog", "list"], check=True, capture_output=True)
    loaded = {row["id"] for row in json.loads(listing.stdout or b"[]")}
    return loaded - held_programs() if loaded else loaded


def check_nothing_left(before, patience=30):
    """The kernel frees programs some time after their last holder is gone."""
    deadline = time.monotonic() + patience
    left = programs() - before
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left &= programs()  # those of another convoy have a holder when looked at again
    check(not left, f"BPF programs left behind: {sorted(left)}")


def wait_until(is_so, what, patience=20):
    deadline = time.monotonic() + patience
    while not is_so():
        check(time.monotonic() < deadline, f"waited {patience} s in vain: {what}")
        time.sleep(0.02)


def needs_mount_namespace():
    """Skips the case where none can be made, as in a chroot."""
    if call("unshare", "-m", "true").status != 0:
        raise Skip("no mount namespace can be made here")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def children(pid):
    """Direct children of all threads of a process."""
    found = []
    try:
        for tid in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{tid}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    except OSError:
        pass
    return found


def measure(function, name):
    """The figures of a case, of the first try whose times come out."""
    global folder
    for left in reversed(range(TRIES)):
        folder = tempfile.mkdtemp(prefix="convoy-test-")
        os.chmod(folder, 0o755)
        try:
            return function()
        except Unsteady as reason:
            if not left:
                raise
            print(f"[  AGAIN   ] {name} ({' '.join(str(reason).split())})")
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def run_case(function):
    """One line for the runner: its mark, the name, figures or the reason; a failure's traceback."""
    name = f"{os.path.basename(sys.argv[0]).removesuffix('.py')}__{function.__name__}"
    try:
        figures = measure(function, name)
        print(f"[       OK ] {name}" + (f" ({figures})" if figures else ""))
        return True
    except Skip as reason:
        print(f"[  SKIPPED ] {name} ({reason})")
        return True
    except Exception:
        print(traceback.format_exc(), end="")
        print(f"[  FAILED  ] {name}")
        return False


def main():
    if os.geteuid() != 0:
        print("needs root")
        sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.stdout.reconfigure(line_buffering=True)
    wanted = sys.argv[1:]
    chosen = [function for function in cases if not wanted or function.__name__ in wanted]
    before = programs()
    results = [run_case(function) for function in chosen]

    def leaves_no_program_behind():
        check_nothing_left(before)

    results.append(run_case(leaves_no_program_behind))
    sys.exit(0 if all(results) else 1)
