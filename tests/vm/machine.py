# SPDX-License-Identifier: GPL-2.0-only
"""A virtual machine with a kernel of Debian's, convoy and static workloads, and nothing else: it is
started, and what it measured comes back as files. Emulated, so that it runs everywhere; not for
timings.
"""

import base64
import glob
import gzip
import io
import os
import re
import shutil
import stat
import subprocess
import tarfile

import harness
from harness import Skip, check

KEPT = os.path.join(harness.TOP, "build", "vm")  # kernels, from run to run
STATIC = os.path.join(harness.TOP, "build", "static")
INIT = os.path.join(harness.TOP, "tests", "vm", "init")
TIMEOUT = 120  # seconds
APPLETS = ("sh", "cat", "true", "mount", "mkdir", "uname", "sleep", "kill", "tar", "gzip",
           "base64", "sync", "poweroff")


def run(*argv, **options):
    return subprocess.run(argv, check=True, capture_output=True, **options).stdout


def newest(names):
    return max(names, key=lambda name: [int(word) for word in re.findall(r"\d+", name)],
               default=None)


def package(version):
    """The file of the newest package of a kernel, fetched if none is kept."""
    pattern = rf"linux-image-{re.escape(version)}\.[0-9][0-9a-z.+-]*-cloud-amd64"
    kept = [path for path in glob.glob(os.path.join(KEPT, "*.deb"))
            if re.match(pattern + "_", os.path.basename(path))]
    if kept:
        return newest(kept)
    if not shutil.which("apt-get"):
        raise Skip("no apt-get to fetch a kernel with")
    os.makedirs(KEPT, exist_ok=True)
    listing = run("apt-cache", "search", "--names-only", f"^{pattern}$").decode()
    name = newest([line.split()[0] for line in listing.splitlines()])
    if not name:
        raise Skip(f"no package of Linux {version} to be had")
    try:
        run("apt-get", "download", name, cwd=KEPT)
    except subprocess.CalledProcessError as failed:
        raise Skip(f"{name} cannot be fetched: {failed.stderr.decode()[-200:]}") from None
    return newest(glob.glob(os.path.join(KEPT, name.replace("+", "*") + "_*.deb")))


def kernel(version):
    """The kernel image of a version."""
    deb = package(version)
    place = deb.removesuffix(".deb")
    images = os.path.join(place, "boot", "vmlinuz-*")
    if not glob.glob(images):
        run("dpkg", "-x", deb, place)
    return glob.glob(images)[0]


def cpio_entry(number, name, mode, data=b""):
    """One file of an archive that the kernel unpacks ("newc")."""
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def content(path):
    with open(path, "rb") as file:
        return file.read()


def initramfs():
    """The path of an archive of all that the machine has."""
    if not shutil.which("busybox"):
        raise Skip("busybox is not installed")
    files = {"bin/busybox": content(shutil.which("busybox")), "init": content(INIT)}
    for path in glob.glob(os.path.join(STATIC, "*")):
        if os.access(path, os.X_OK):
            files["bin/" + os.path.basename(path)] = content(path)
    check("bin/convoy" in files, "no static convoy: make static")
    entries = [(name, stat.S_IFDIR | 0o755, b"") for name in ("bin", "proc", "sys", "tmp", "dev")]
    entries += [(name, stat.S_IFREG | 0o755, data) for name, data in files.items()]
    entries += [("bin/" + name, stat.S_IFLNK | 0o777, b"busybox") for name in APPLETS]
    entries.append(("TRAILER!!!", 0, b""))
    path = os.path.join(harness.folder, "initramfs")
    with gzip.open(path, "wb", 1) as file:
        for number, (name, mode, data) in enumerate(entries, 1):
            file.write(cpio_entry(number, name, mode, data))
    return path


def boot(version, *parameters):
    """The folder of what a machine with that kernel measured."""
    if os.uname().machine != "x86_64" or not shutil.which("qemu-system-x86_64"):
        raise Skip("qemu-system-x86_64 is not installed, or this is another machine")
    # Where /dev/kvm is there it may still not work, and then the guest hangs.
    argv = ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-m", "512", "-smp", "2",
            "-display", "none", "-serial", "stdio", "-monitor", "none", "-nodefaults",
            "-no-reboot", "-kernel", kernel(version), "-initrd", initramfs(), "-append",
            " ".join(("console=ttyS0", "quiet", "panic=-1", *parameters))]
    console = harness.call(*argv, timeout=TIMEOUT).stdout
    found = re.search(r"-----BEGIN RESULTS-----\s(.*?)-----END RESULTS-----", console, re.DOTALL)
    check(found, f"no results on the console:\n{console[-2000:]}")
    place = os.path.join(harness.folder, "results")
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(found[1]))) as archive:
        archive.extractall(place)
    return place
