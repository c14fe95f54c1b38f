#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The Debian package installs, runs and leaves nothing when it is removed. It is tried on this
system itself, unless a convoy is installed here already."""

import glob
import os
import shutil
import subprocess
import time

import harness
from harness import TOP, Skip, case, check

PLACES = ["/usr/bin/convoy", "/usr/share/man/man1/convoy.1.gz",
          "/usr/share/man/man1/convoy-run.1.gz", "/usr/share/bash-completion/completions/convoy",
          "/usr/share/doc/convoy/copyright",
          "/usr/share/fish/vendor_completions.d/convoy.fish",
          "/usr/share/zsh/vendor-completions/_convoy"]


def dpkg(*words):
    """dpkg, when nobody else uses it."""
    for _ in range(60):
        result = harness.call("dpkg", *words, env=dict(os.environ, LC_ALL="C"))
        if "lock" not in result.stderr:
            break
        time.sleep(1)
    return result


def package():
    if not shutil.which("dpkg-deb"):
        raise Skip("dpkg-deb is not here")
    result = harness.call("make", "-C", TOP, "deb", timeout=300)
    check(result.status == 0, result.stderr)
    found = glob.glob(os.path.join(TOP, "build", "convoy_*.deb"))
    check(len(found) == 1, found)
    return found[0]


@case
def package_says_what_it_needs():
    fields = harness.call("dpkg-deb", "-f", package()).stdout
    for library in ("libbpf", "libelf", "zlib1g", "libc6"):
        check(library in fields.split("Depends:", 1)[1].split("\n", 1)[0], fields)
    check("@" not in fields.replace("convoy@localhost", ""), fields)


@case
def package_is_the_same_when_made_again():
    first = harness.call("sha256sum", package()).stdout
    check(first == harness.call("sha256sum", package()).stdout, "made again it differs")


@case
def package_installs_runs_and_goes():
    path = package()
    if dpkg("-s", "convoy").status == 0 or any(os.path.exists(place) for place in PLACES):
        raise Skip("a convoy is installed here")
    try:
        result = dpkg("-i", path)
        check(result.status == 0, result.stderr)
        missing = [place for place in PLACES if not os.path.exists(place)]
        # Some systems are set up to keep no documentation.
        check(not [place for place in missing if "/man/" not in place and "/doc/" not in place],
              missing)
        result = harness.call("/usr/bin/convoy", "run", "--", "true", cwd="/")
        check(result.status == 0 and "convoy run" in result.stderr, result.stderr)
        complaints = dpkg("--verify", "convoy").stdout
        check(not [line for line in complaints.splitlines()
                   if "/man/" not in line and "/doc/" not in line], complaints)
    finally:
        result = dpkg("--purge", "convoy")
    check(result.status == 0 and not result.stderr, result.stderr)
    left = [place for place in PLACES if os.path.exists(place)]
    check(not left and not os.path.exists("/usr/share/doc/convoy"), left)
    check(subprocess.run(["dpkg", "-s", "convoy"], capture_output=True, check=False).returncode,
          "dpkg still knows it")


harness.main()
