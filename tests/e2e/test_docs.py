#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""Manual pages, completions and documents say what the binary and the tree are: pages and
completions are tried in the programs that read them, and names in the documents are looked up."""

import os
import re
import shutil
import subprocess

import harness
from harness import CONVOY, TOP, Skip, case, check

# Completes a line in a real zsh, and shows what the terminal got.
ZSH = r"""
zmodload zsh/zpty
zpty -b z "PS1='> ' zsh -f -i"
zpty -w z "fpath=($1 \$fpath); autoload -U compinit; compinit -u -D; PS1='REA''DY> '"
zpty -w z "stty columns 200; bindkey '^I' complete-word"
wait_for() { local i chunk; for ((i = 0; i < 200; i++)); do
    while zpty -r -t z chunk; do out+=$chunk; done
    [[ $out == *$1* ]] && return
    sleep 0.05
done }
out=; wait_for 'READY> '
sleep 0.5
out=; zpty -w -n z "$2"$'\t'
wait_for "$3"
zpty -w -n z $'\x15'; zpty -w z "exit"
print -r -- $out
"""

BASH = r"""
shopt -u progcomp_alias
[ -z "$1" ] || . "$1"
. "$2"; shift 2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
_convoy
printf '%s\n' "${COMPREPLY[@]}"
"""


def needs(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not here")


def made():
    """The pages and completions, in a folder of the case."""
    docs = os.path.join(harness.folder, "docs")
    result = harness.call(os.path.join(TOP, "tools", "mkdocs"), CONVOY, docs)
    check(result.status == 0 and not result.stderr, result.stderr)
    return docs


def out(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
                          check=False, **more).stdout.decode("utf-8", "replace")


def commands():
    return harness.call(CONVOY, "__docs", "list").stdout.split()


def options(command):
    text = harness.call(CONVOY, command, "--help").stdout
    return re.findall(r"^  (?:-\w, |    )(--[a-z-]+)", text, re.M)


def source(*parts):
    with open(os.path.join(TOP, *parts), encoding="utf-8") as file:
        return file.read()


@case
def every_command_has_a_page_with_all_its_options():
    pages = os.path.join(made(), "man")
    names = commands()
    check({"run", "attach", "countdown", "report"} <= set(names), names)
    expected = ["convoy.1"] + [f"convoy-{name}.1" for name in names]
    check(sorted(os.listdir(pages)) == sorted(expected), os.listdir(pages))
    count = 0
    for name in names:
        with open(os.path.join(pages, f"convoy-{name}.1"), encoding="utf-8") as file:
            page = file.read()
        listed = options(name)
        check(len(listed) > 3, f"{name}: {listed}")
        for option in listed:
            escaped = option.replace("-", "\\-")
            check(f"\\fB{escaped}\\fR" in page, f"{name}: {option} is not in its page")
            count += 1
    with open(os.path.join(pages, "convoy.1"), encoding="utf-8") as file:
        page = file.read()
    check(all(f"convoy\\-{name} (1)" in page for name in names), "a command is not in convoy(1)")
    return f"{len(names)} commands, {count} options"


@case
def pages_are_clean():
    needs("mandoc")
    pages = os.path.join(made(), "man")
    for name in sorted(os.listdir(pages)):
        complaints = out("mandoc", "-T", "lint", os.path.join(pages, name))
        check(not complaints, complaints)
    shown = out("mandoc", os.path.join(pages, "convoy-run.1")).replace("\b", "")
    check("sudo convoy run" in re.sub(r"(.)\1", r"\1", shown) or "convoy" in shown, shown)


@case
def what_a_page_adds_is_shown():
    more = os.path.join(harness.folder, "more.txt")
    with open(more, "w", encoding="utf-8") as file:
        file.write("Before.\n\n# FIRST\n\n.dot 'quote \\back\n"
                   "= TERM\nWhat it is.\n\n    as it is\n")
    page = harness.call(CONVOY, "__docs", "man", "report", more).stdout
    check(page.index("Before.") < page.index(".SH OPTIONS") < page.index(".SH FIRST"), page)
    check("\n\\&.dot 'quote \\eback\n" in page, page)
    check("\n.TP\n\\fBTERM\\fR\nWhat it is.\n" in page and ".EX\nas it is\n.EE" in page, page)
    check(harness.call(CONVOY, "__docs", "man", "report", "/no/such").status == 2, "no complaint")
    check(harness.call(CONVOY, "__docs", "man", "rport").status == 2, "no complaint")


@case
def bash_completes():
    completion = os.path.join(made(), "completion", "convoy")
    library = "/usr/share/bash-completion/bash_completion"
    library = library if os.path.exists(library) else ""

    def reply(*words, with_library=""):
        text = out("bash", "-c", BASH, "bash", with_library, completion, *words)
        return sorted(line for line in text.splitlines() if line)

    check(reply("convoy", "") == sorted(commands() + ["help", "--help", "--version"]),
          reply("convoy", ""))
    check(reply("convoy", "co") == [name for name in sorted(commands()) if name.startswith("co")],
          reply("convoy", "co"))
    for name in commands():
        check(set(options(name)) <= set(reply("convoy", name, "-")), reply("convoy", name, "-"))
    check(reply("convoy", "report", "--format", "j") == ["json"], "--format j")
    check(reply("convoy", "report", "--format", "=", "j") == ["json"], "--format=j")
    check(reply("convoy", "report", "--format", "=") == sorted(
        re.search(r"form of the report: ([a-z, \n]+)", harness.call(
            CONVOY, "report", "--help").stdout).group(1).replace(" or", ",").replace("\n", " ")
        .replace(",", " ").split()), "--format=")
    check(reply("convoy", "run", "-u", "roo") == ["root"], "-u roo")
    check(str(os.getpid()) in reply("convoy", "attach", "-p", f"1,{os.getpid()}"[:-1])
          or f"1,{os.getpid()}" in reply("convoy", "attach", "-p", f"1,{os.getpid()}"[:-1]),
          reply("convoy", "attach", "-p", f"1,{os.getpid()}"[:-1]))
    check("true" in reply("convoy", "run", "tru"), "a command to run")
    check("true" in reply("convoy", "run", "-o", "d", "--", "tru"), "a command after --")
    check("--format" not in reply("convoy", "run", "true", "--f"), "options after the command")
    here = os.path.join(harness.folder, "a-directory")
    os.mkdir(here)
    check(reply("convoy", "report", here[:-2]) == [here], "a directory")
    if not library:
        return "without bash-completion"
    check("--almost-all" in reply("convoy", "run", "-o", "d", "ls", "--alm", with_library=library),
          "options of the command that runs")
    return ""


@case
def bash_completion_is_clean():
    needs("shellcheck")
    complaints = out("shellcheck", "-s", "bash", os.path.join(made(), "completion", "convoy"))
    check(not complaints, complaints)


@case
def zsh_completes():
    needs("zsh")
    folder = os.path.join(made(), "completion")
    check(not out("zsh", "-n", os.path.join(folder, "_convoy")), "zsh -n")

    def shown(line, until):
        return out("zsh", "-f", "-c", ZSH, "zsh", folder, line, until)

    check("convoy countdown" in shown("convoy cou", "countdown"), shown("convoy cou", "countdown"))
    listed = shown("convoy run --", "--wait")
    check(all(option in listed for option in options("run")), listed)
    check("--format" not in shown("convoy run true --fo", "--fo"), "options after the command")
    check("json" in shown("convoy report --format js", "json"), "a choice")


@case
def fish_completes():
    needs("fish")
    completion = os.path.join(made(), "completion", "convoy.fish")

    def reply(line):
        text = out("fish", "-c", f"source {completion}; complete -C '{line}'",
                   env={**os.environ, "HOME": harness.folder})
        return [entry.split("\t")[0] for entry in text.splitlines()]

    check(sorted(reply("convoy ")) == sorted(commands() + ["help"]), reply("convoy "))
    for name in commands():
        check(sorted(reply(f"convoy {name} --")) == sorted(options(name)),
              reply(f"convoy {name} --"))
    check(reply("convoy report --format js") == ["json"], reply("convoy report --format js"))
    check("json" in reply("convoy report --format "), reply("convoy report --format "))
    check("--format" not in reply("convoy run -o d true --fo"), reply("convoy run -o d true --fo"))
    check("--almost-all" in reply("convoy run -o d ls --alm"), reply("convoy run -o d ls --alm"))


@case
def install_and_uninstall_leave_nothing():
    root = os.path.join(harness.folder, "root")
    for goal in ("install", "uninstall"):
        result = harness.call("make", "-C", TOP, goal, f"DESTDIR={root}", "PREFIX=/p")
        check(result.status == 0, result.stderr)
        found = [os.path.join(place, name) for place, _, names in os.walk(root) for name in names]
        if goal == "install":
            check(any(path.endswith("/p/bin/convoy") for path in found), found)
            check(len(found) == 1 + 1 + len(commands()) + 3, found)
        else:
            check(not found, found)


@case
def documents_name_what_there_is():
    """Files, rules and options that the documents name."""
    count = 0
    for document in ("README.md", "ARCHITECTURE.md"):
        text = source(document)
        for path in re.findall(r"`((?:bpf|include|user|tools|tests|vmlinux)/[\w./-]*)`", text):
            there = os.path.join(TOP, path)
            check(os.path.exists(there), f"{document} names {path}")
            count += 1
        for room, name in re.findall(r"`(capture|names|model|analysis|stream|output)/(\w+)`", text):
            check(os.path.exists(os.path.join(TOP, "user", room, name + ".h"))
                  or os.path.exists(os.path.join(TOP, "user", room, name + ".c")),
                  f"{document} names {room}/{name}")
            count += 1
        for command, rest in re.findall(r"convoy ([a-z]+)\b([^\n|`>]*)", text):
            if command not in commands():
                continue
            for option in re.findall(r"(--[a-z-]+)", rest.split(" -- ")[0]):
                check(option in options(command), f"{document}: {command} has no {option}")
                count += 1
    rules = re.findall(r'^\t\{ "([a-z-]+)", LOCK_', source("user", "model", "rules.c"), re.M)
    check(len(rules) > 10, rules)
    described = source("ARCHITECTURE.md")
    place, before = 0, None
    for rule in rules:
        check(f"`{rule}`" in described, f"the rule {rule} is not described")
        row = f"| `{rule}`"
        # One that stands twice, for two kinds, is described twice.
        if rule != before and row in described:
            check(described.find(row, place) >= 0,
                  f"{rule} is described before what is tried first")
            place = described.index(row, place) + 1
        before = rule
    return f"{count} names, {len(rules)} rules"


@case
def examples_show_what_the_tutorial_says():
    """Each example, built as README.md says, gives the answer that README.md reads from it."""
    examples = os.path.join(TOP, "tools", "examples")
    for name in ("ledger", "crowd"):
        program = os.path.join(harness.folder, name)
        complaints = out("gcc", "-O2", "-g", "-pthread", "-o", program,
                         os.path.join(examples, name + ".c"))
        check(not complaints, complaints)
    _, primes = harness.record("/usr/bin/python3", os.path.join(examples, "primes.py"), "200000",
                               name="primes")
    found = [row for row in primes.locks if row["kind"] == "gil"]
    check(found and found[0]["lost_ns"] > (primes.end_ns - primes.start_ns) // 20, found)
    _, ledger = harness.record(os.path.join(harness.folder, "ledger"), name="ledger-trace")
    mutex = [row for row in ledger.locks if "ledger_mutex" in row["name"]]
    check(mutex and mutex[0]["holder_ready_ns"] > mutex[0]["holder_running_ns"], mutex)
    _, crowd = harness.record(os.path.join(harness.folder, "crowd"), "16", name="crowd-trace")
    ran = sum(row["running_ns"] for row in crowd.threads)
    ready = sum(harness.unready(row) for row in crowd.threads)
    check(ready > 2 * ran, f"ready {ready} ns, ran {ran} ns")
    return (f"lost to the GIL {found[0]['lost_ns'] // harness.MS} ms, holder ready "
            f"{mutex[0]['holder_ready_ns'] // harness.MS} ms, ready {ready // harness.MS} ms")


harness.main()
