# SPDX-License-Identifier: GPL-2.0-only
"""A PostgreSQL of the test's own: nobody's, on a socket in the case's folder, gone with the block.
"""

import glob
import os
import shutil

import harness
from harness import Skip, check


class Postgres:
    """A cluster of its own on a socket in the case's folder, run by an ordinary user."""

    def __init__(self):
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not programs:
            raise Skip("PostgreSQL is not installed")
        self.place = os.path.join(harness.folder, "postgres")
        os.mkdir(self.place)
        shutil.chown(self.place, "nobody")
        self.data = os.path.join(self.place, "data")
        self.environment = {"PATH": f"{programs[-1]}:/usr/bin:/bin", "PGHOST": self.place,
                            "PGUSER": "nobody", "LC_ALL": "C.UTF-8", "HOME": self.place}

    def start(self, *argv):
        return harness.start(["setpriv", "--reuid", "nobody", "--regid", "nogroup",
                              "--clear-groups", *argv], env=self.environment, cwd=self.place)

    def call(self, *argv):
        result = harness.finish(self.start(*argv))
        check(result.status == 0, f"{argv}: {result.stdout}{result.stderr}")
        return result.stdout

    def __enter__(self):
        self.call("initdb", "-D", self.data, "-A", "trust", "--no-sync", "-E", "UTF8")
        self.call("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.place, "log"), "-o",
                  f"-c listen_addresses= -k {self.place} -F", "start")
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
            self.pid = int(file.readline())
        return self

    def __exit__(self, *_):
        self.call("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def rows(self, database, statement):
        text = self.call("psql", "-qAt", "-F", "\t", "-c", statement, database)
        return [[int(cell) if cell.lstrip("-").isdigit() else cell for cell in line.split("\t")]
                for line in text.splitlines()]
