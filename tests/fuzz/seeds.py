# SPDX-License-Identifier: GPL-2.0-only
"""What each fuzzer begins with: the text files of seeds/, archives of the traces of this tree, a
small library, and the memory of a forged CPython. Not for what a fuzzer found: that becomes a unit
test."""

import gzip
import os
import shutil
import struct
import subprocess

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
TABLES = ("threads", "locks", "slices", "waits", "handoffs", "edges", "parallel")  # of the schema
TRACES = ("golden/trace", "traces/holder-native-speaks", "traces/cpu-quota-speaks",
          "traces/writer-starves-speaks", "traces/faster-speaks/processes/1",
          "traces/imbalance-at-a-join", "traces/lock-convoy-speaks")
MEMORY = 0x10000000  # as in world.h
BUILD_ID = "00112233445566778899"


def load(path):
    with open(path, "rb") as file:
        return file.read()


def archive(**parts):
    """Parts of an input by name; __ in a name stands for a dot."""
    return b"".join(b"=== " + name.replace("__", ".").encode() + b"\n" + text +
                    (b"" if text.endswith(b"\n") else b"\n") for name, text in parts.items())


def texts(target):
    folder = os.path.join(TOP, "tests/fuzz/seeds", target)
    if os.path.isdir(folder):
        for name in sorted(os.listdir(folder)):
            yield load(os.path.join(folder, name))


def trace_files(trace):
    folder = os.path.join(TOP, "tests", trace)
    for name in sorted(os.listdir(folder)):
        if name.endswith((".csv", ".json")):
            yield name, load(os.path.join(folder, name))


def csv_seeds():
    for trace in TRACES:
        for name, text in trace_files(trace):
            if name.endswith(".csv"):
                table = bytes([TABLES.index(name[:-len(".csv")])])
                yield table + text
                if trace == TRACES[0]:
                    yield table + gzip.compress(text, mtime=0)


def meta_seeds():
    return (dict(trace_files(trace))["meta.json"] for trace in TRACES)


def trace_seeds():
    return (archive(**dict(trace_files(trace))) for trace in TRACES)


def compile_library(folder):
    """The library with its symbols, stripped, and its debug file."""
    paths = [os.path.join(folder, name) for name in ("full.so", "bare.so", "full.debug")]
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-nostdlib", "-Wl,-z,noseparate-code",
                    f"-Wl,--build-id=0x{BUILD_ID}", "-o", paths[0],
                    os.path.join(TOP, "tests/fuzz/library.c")], check=True)
    subprocess.run(["objcopy", "--only-keep-debug", paths[0], paths[2]], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={paths[2]}", *paths[:2]],
                   check=True)
    return [load(path) for path in paths]


def elf_seeds(folder):
    full, bare, debug = compile_library(folder)
    yield archive(elf=full)
    yield archive(elf=bare)
    yield archive(**{"elf": bare, BUILD_ID[2:] + ".debug": debug})
    yield archive(**{"elf": bare.replace(bytes.fromhex(BUILD_ID), bytes(range(10))),
                     "full.debug": debug})


def names_seeds(folder):
    """The library mapped as it would be, a stack that points into it, a GIL in memory."""
    full = compile_library(folder)[0]
    maps = (b"400000-404000 r-xp 0 fd:01 7 /usr/lib/libpython3.11.so\n"
            b"404000-408000 rw-p 3000 fd:01 7 /usr/lib/libpython3.11.so\n"
            b"10000000-10010000 rw-p 0 0:0 0\n"
            b"20000000-20001000 rwxp 0 0:0 0\n"
            b"30000000-30001000 rw-s 0 0:1 9 /dev/shm/x\n")
    stat = b"1234 (a) S " + b"1 " * 18 + b"5001 1 1 1 4194304 4198400 140725786837040 0\n"
    words = b"404020 10000028 1000002c 10000050 30000000 0 ffffffffffffffff\n"
    stack = struct.pack("<12Q", *(0x401000 + 0x33 * i for i in range(10)), 0x20000010, 1 << 63)
    parts = {"maps": maps, "stat": stat, "words": words, "stack": stack, "mountinfo": b"",
             "elf": full, "memory": gil() + bytes(512)}
    yield archive(**parts)
    parts["maps"] = maps.replace(b"libpython3.11.so", b"python3.6")
    yield archive(**parts)
    parts["maps"] = maps.replace(b"libpython3.11.so", b"libpypy3-c.so")
    yield archive(**parts, **{"perf.map": b"20000000 20 made\n"})


def gil():
    memory = bytearray(256)
    struct.pack_into("<QQiiQ", memory, 0, 5000, MEMORY + 4096, 1, 0, 100)
    for at in (32 + 36, 120 + 36):
        struct.pack_into("<I", memory, at, 10)
    return bytes(memory)


# Of pyframe.c: minor version, then where the first interpreter is in _PyRuntime, threads in it,
# thread id and frame in a thread state, code and back in a frame, file and name in a code object,
# and text in a string.
LAYOUTS = ((8, 32, 8, 176, 24, 32, 24, 104, 112, 48), (11, 40, 16, 152, 56, 32, 48, 112, 120, 48),
           (12, 40, 72, 136, 56, 0, 8, 112, 120, 40))


def python_memory(layout):
    """A thread in four frames, each in half a kilobyte of its own."""
    _, interpreters, threads, thread_id, frame, code, back, file, name, text = layout
    memory = bytearray(2560)

    def put(at, value):
        struct.pack_into("<Q", memory, at, value)

    def put_text(at, string):
        put(at + 16, len(string))
        put(at + 32, 0xe4)
        memory[at + text:at + text + len(string)] = string

    put(interpreters, MEMORY + 128)
    put(128 + threads, MEMORY + 256)
    put(256 + 16, MEMORY + 128)
    put(256 + thread_id, MEMORY)
    put(256 + frame, MEMORY + 512)
    put(512 + 8, MEMORY + 512)  # 3.11: through a cframe that is the frame
    for i, function in enumerate((b"count", b"run", b"_bootstrap_inner", b"_bootstrap")):
        base = 512 + i * 512
        put(base + code, MEMORY + base + 96)
        put(base + back, MEMORY + base + 512 if i < 3 else 0)
        put(base + 96 + file, MEMORY + base + 256)
        put(base + 96 + name, MEMORY + base + 384)
        put_text(base + 256, b"/usr/lib/threading.py" if i else b"/home/count.py")
        put_text(base + 384, function)
    return bytes(memory)


def python_seeds():
    for layout in LAYOUTS:
        yield archive(version=b"CPython 3.%d" % layout[0], memory=python_memory(layout))
    yield archive(version=b"CPython 3.13.1", memory=b"xdebugpy" + struct.pack(
        "<5Q", 0x030d << 16, 0, 0, 0, 632) + bytes(464) + gil() + bytes(1024))
    yield archive(version=b"CPython 3.9", memory=gil() + bytes(256) + gil() + bytes(256))


MAKERS = {"csv": lambda folder: csv_seeds(), "meta": lambda folder: meta_seeds(),
          "trace": lambda folder: trace_seeds(), "elf": elf_seeds, "names": names_seeds,
          "python": lambda folder: python_seeds()}


def write(target, folder):
    """Fills a new folder with the seeds of a target."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    made = list(MAKERS.get(target, lambda folder: ())(folder))
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    for number, seed in enumerate([*texts(target), *made]):
        with open(os.path.join(folder, f"{number:02}"), "wb") as file:
            file.write(seed)
