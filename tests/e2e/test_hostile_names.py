#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Names made to break whoever reads them, in every place of a trace that can hold one, through
every output; and ELF symbols, paths and locks of real programs that bear them."""

import concurrent.futures
import csv
import io
import json
import os
import shutil
import subprocess
import unicodedata

import harness
import perfetto_wire
from harness import TOP, Skip, case, check, convoy, record, workload

GOOD = os.path.join(TOP, "tests", "golden", "trace")
FORMATS = ("text", "json", "html", "perfetto", "folded")

# Raw bytes, as a target may give them.
CORPUS = [
    b"\x1b[31mred", b"\x1b]0;title\x07", b"\x1b[2J\x1b[H", b"\x1bP+q\x1b\\", b"\x9b31m",
    b"\xc2\x9b31m", b"\xc2\x90x", b"\x07", b"\x08\x08\x08", b"\x7f\x7f", b"\x01\x02\x03",
    b"\x0e\x0f", b"a\nb", b"a\r\nb", b"a\rb", b"a\tb", b"\n", b"\x0b\x0c", b"\xe2\x80\xa8",
    b"\xe2\x80\xa9", "\u202egpj.exe".encode(), "\u202a\u202b\u202c\u202d".encode(),
    "\u2066\u2067\u2069".encode(), "\u200b\u200c\u200d".encode(), "\u200e\u200f\u061c".encode(),
    "\ufeff".encode(), "\U000e0041\U000e007f".encode(), "\u00ad".encode(),
    "\u3164\uffa0\u115f".encode(), b"\xff\xfe\xfd", b"\xc0\x80", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"a\xc3", b"=1+1", b"+1", b"-1", b"@SUM(A1)",
    b"=cmd|' /C x'!A", b"\t=1", b"\r=1", b'"', b'""', b'","', b",", b"'", b"\\", b"\\x", b"\\x41",
    b"\\u0041", b"\\n", b"%s%n%p", b"$(id)", b"`id`", b"; rm -rf x", b"</script>", b"<!--",
    b"<script>x()", b"<img src=x>", b"&lt;b&gt;", b"]]>", b"{}[]:\",", b"null", b"a;b",
    b"a;running 99", b"a 1", b"../../x", b"/", b"-rf", b"(deleted)", b") S 1 1", b"a" * 300,
    "\u0301".encode() * 20, "\U0001f600".encode(), "\u4e2d\u6587".encode(),
]


def escaped(raw):
    """As a cell of a trace holds it: every byte may be written so."""
    return "".join(f"\\x{byte:02x}" for byte in raw)


def check_harmless(text, what):
    """No control and format characters; the page's own tabs are counted in its shape."""
    if what.endswith("html"):
        text = text.replace("\t", "")
    for line in text.split("\n"):
        for character in line:
            check(unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp"),
                  f"{what}: U+{ord(character):04X} in {line[:200]!r}")


def edit_table(path, table, columns):
    """Writes a table again with other texts in these columns."""
    name = os.path.join(path, table)
    with open(name, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({**row, **columns} for row in rows)
    with open(name, "w", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())


def trace_named(raw):
    """A good trace in which everything that can bear a name bears this one."""
    path = os.path.join(harness.folder, "trace")
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(GOOD, path)
    name = escaped(raw)
    edit_table(path, "threads.csv", {"comm": escaped(raw[:15]), "name": name})
    edit_table(path, "locks.csv", {"name": name, "evidence": name})
    with open(os.path.join(path, "meta.json"), encoding="utf-8") as file:
        meta = json.load(file)
    for key in ("version", "kernel", "arch", "interpreter", "variant"):
        meta[key] = name
    for key in ("command", "missing", "left_behind"):
        meta[key] = [name, name]
    for phase in meta["phases"]:
        phase["name"] = name
    with open(os.path.join(path, "meta.json"), "w", encoding="utf-8") as file:
        json.dump(meta, file)
    return path


def shown(path):
    """{output: bytes} of every output there is."""
    commands = {form: ("report", path, "--format", form) for form in FORMATS}
    commands["compare"] = ("compare", GOOD, path)
    commands["compare json"] = ("compare", GOOD, path, "--format", "json")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda argv: convoy(*argv), commands.values())
        outputs = dict(zip(commands, results))
    for what, result in outputs.items():
        check(result.status == 0, f"{what}: status {result.status}\n{result.stderr}")
    return {what: result.raw_stdout for what, result in outputs.items()}


def shape(what, text):
    """What a name must not change: the lines and frames of a flame graph, the tags of a page, the
    tracks of a timeline."""
    if what == "folded":
        lines = [line.rsplit(" ", 1) for line in text.decode("utf-8").splitlines()]
        return sorted((stack.count(";"), int(weight)) for stack, weight in lines)
    if what == "html":
        return text.count(b"<"), text.count(b"<script"), text.count(b"</script"), text.count(b"\t")
    trace = perfetto_wire.Trace(text)
    return len(trace.tracks), len(trace.slices)


def check_outputs(raw, outputs, plain):
    for what, text in outputs.items():
        about = f"{raw!r} in {what}"
        if what == "perfetto":
            check(text.count(b"\x1b") == 0 or b"\x1b[" not in text, f"{about}: an escape sequence")
        else:
            check_harmless(text.decode("utf-8"), about)
        if "json" in what:
            json.loads(text)
        if what in ("folded", "html", "perfetto"):
            check(shape(what, text) == shape(what, plain[what]), f"{about}: another shape")


@case
def every_name_is_harmless_in_every_output():
    plain = shown(trace_named(b"plain"))
    for raw in CORPUS:
        check_outputs(raw, shown(trace_named(raw)), plain)
    return f"{len(CORPUS)} names, {len(FORMATS) + 2} outputs each"


@case
def symbols_and_paths_of_real_programs_are_harmless():
    if not shutil.which("objcopy"):
        raise Skip("objcopy is not installed")
    for number, raw in enumerate((b"\x1b[31m", b"a\nb", b"\xff\xfe", "\u202ex".encode(),
                                  b"</script>", b'=1,"x"', b"%n%n")):
        path = os.path.join(harness.folder, f"program{number}").encode() + raw.replace(b"/", b"_")
        subprocess.run([b"objcopy", b"--redefine-sym", b"mutex=" + raw, b"--redefine-sym",
                        b"contend=" + raw + b"2", workload("w_mutex").encode(), path], check=True)
        # A holder that sleeps is waited for, however busy the machine.
        _, trace = record(os.fsdecode(path), "--threads", "3", "--rounds", "30", "--hold-us",
                          "1000", "--sleeps", name=f"trace{number}")
        names = [harness.unescape(row["name"]) for row in trace.locks]
        check(any(raw in name for name in names), f"no lock named {raw!r}: {names}")
        for what, text in shown(trace.path).items():
            if what != "perfetto":
                check_harmless(text.decode("utf-8"), f"{raw!r} in {what}")


harness.main()
