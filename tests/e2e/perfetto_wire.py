# SPDX-License-Identifier: GPL-2.0-only
"""Reads a Perfetto trace from its bytes, as the documents of the wire format and of Perfetto's
public schema tell it: a second opinion that shares no line with convoy's writer. Strict: what a
reader would have to guess (a name that was never given, time that runs backwards, slices that
cross) is an error.
"""

import collections
import struct

MONOTONIC, INCREMENTAL = 3, 64
CLEARED = 1
BEGIN, END, INSTANT, COUNTER = 1, 2, 3, 4

Slice = collections.namedtuple("Slice", "track name begin_ns end_ns arguments depth")
Point = collections.namedtuple("Point", "track name time_ns flow")


class Broken(Exception):
    """The file is not what a Perfetto trace must be."""


def require(is_so, text):
    if not is_so:
        raise Broken(text)


def varint(data, at):
    value = shift = 0
    while True:
        require(at < len(data) and shift < 70, "a varint is cut off or too long")
        byte = data[at]
        value |= (byte & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """All fields of a message, in order: (number, value)."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        elif kind == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise Broken(f"wire type {kind}")
        require(at <= len(data) and number > 0, "a field is cut off")
        yield number, value


def message(data):
    """number → list of values."""
    found = collections.defaultdict(list)
    for number, value in fields(data):
        found[number].append(value)
    return found


def one(found, number, default=None):
    require(len(found[number]) <= 1, f"field {number} occurs {len(found[number])} times")
    return found[number][0] if found[number] else default


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


class Sequence:
    def __init__(self):
        self.clock, self.default_clock, self.default_track = None, None, None
        self.default_counters = []
        self.names, self.keys, self.strings = {}, {}, {}


class Trace:
    """slices, instants, counters (track → [(time, value)]), flows (id → [begin point, end point]),
    tracks (uuid → dict), clocks, events: numbers of packets of states, with their bytes."""

    def __init__(self, data):
        self.sequences, self.tracks, self.clocks = {}, {}, []
        self.slices, self.instants, self.flows = [], [], {}
        self.counters = collections.defaultdict(list)
        self.stacks = collections.defaultdict(list)
        self.state_bytes = 0
        for number, packet in fields(data):
            require(number == 1, f"field {number} of the trace is no packet")
            self.read_packet(packet)
        for track, stack in self.stacks.items():
            require(not stack, f"a slice of track {track} never ends")

    def read_packet(self, data):
        packet = message(data)
        number = one(packet, 10)
        require(number, "a packet without a sequence")
        if one(packet, 13, 0) & CLEARED:
            require(number not in self.sequences, f"sequence {number} begins twice")
            self.sequences[number] = Sequence()
        require(number in self.sequences, f"sequence {number} was not begun")
        sequence = self.sequences[number]
        self.read_defaults(sequence, packet)
        self.read_interned(sequence, packet)
        self.read_clocks(sequence, packet)
        if packet[60]:
            self.read_track(message(one(packet, 60)))
        if packet[11]:
            self.read_event(sequence, packet, len(data))

    def read_defaults(self, sequence, packet):
        for defaults in packet[59]:
            defaults = message(defaults)
            sequence.default_clock = one(defaults, 58)
            event = message(one(defaults, 11))
            sequence.default_track = one(event, 11)
            sequence.default_counters = event[31]

    def read_interned(self, sequence, packet):
        for interned in packet[12]:
            for table, entry in fields(interned):
                index = {2: sequence.names, 3: sequence.keys, 29: sequence.strings}[table]
                entry = message(entry)
                key = one(entry, 1)
                require(key and key not in index, f"the number {key} is given twice")
                index[key] = one(entry, 2).decode("utf-8")

    def read_clocks(self, sequence, packet):
        for snapshot in packet[6]:
            clocks = {}
            for clock in message(snapshot)[1]:
                clock = message(clock)
                clocks[one(clock, 1)] = one(clock, 2)
                require((one(clock, 1) == INCREMENTAL) == bool(one(clock, 3, 0)), "wrong clock")
            if INCREMENTAL in clocks:
                require(clocks[INCREMENTAL] == clocks[MONOTONIC], "clocks that differ")
                sequence.clock = clocks[INCREMENTAL]
            else:
                require(one(message(snapshot), 2) == MONOTONIC, "another clock of the trace")
                self.clocks.append(clocks)

    def read_track(self, track):
        uuid = one(track, 1)
        require(uuid and uuid not in self.tracks, f"track {uuid} is described twice")
        found = self.tracks[uuid] = {"parent": one(track, 5), "kind": "track"}
        if track[2]:
            found["name"] = one(track, 2).decode("utf-8")
        if track[3]:
            process = message(one(track, 3))
            found.update(kind="process", pid=one(process, 1), name=one(process, 6).decode("utf-8"),
                         command=[word.decode("utf-8") for word in process[2]])
        if track[4]:
            thread = message(one(track, 4))
            found.update(kind="thread", pid=signed(one(thread, 1)), tid=signed(one(thread, 2)),
                         name=one(thread, 5).decode("utf-8"))
            require(self.tracks[found["parent"]]["pid"] == found["pid"], "a foreign process")
        if track[8]:
            found["kind"] = "counter"

    def time_of(self, sequence, packet):
        clock = one(packet, 58, sequence.default_clock)
        if clock == INCREMENTAL:
            sequence.clock += one(packet, 8)
            return sequence.clock
        require(clock == MONOTONIC, f"clock {clock} is not known")
        return one(packet, 8)

    def read_event(self, sequence, packet, length):
        now = self.time_of(sequence, packet)
        event = message(one(packet, 11))
        kind, track = one(event, 9), one(event, 11, sequence.default_track)
        require(track in self.tracks, f"track {track} is not described")
        counters = event[31] or sequence.default_counters
        require(len(counters) >= len(event[12]), "a value without a counter")
        for counter, value in zip(counters, event[12]):
            self.count(counter, now, signed(value))
        if kind == COUNTER:
            self.count(track, now, signed(one(event, 30)))
        elif kind == INSTANT:
            self.add_point(track, sequence.names[one(event, 10)], now, event)
        elif kind == BEGIN:
            self.begin(sequence, track, now, event)
            self.state_bytes += self.size_of_state(packet, event, length)
        elif kind == END:
            require(self.stacks[track], f"an end without a begin on track {track}")
            name, begin, arguments = self.stacks[track].pop()
            require(begin <= now, "a slice that ends before it begins")
            self.slices.append(Slice(track, name, begin, now, arguments, len(self.stacks[track])))
            self.state_bytes += self.size_of_state(packet, event, length)
        else:
            raise Broken(f"event of type {kind}")

    @staticmethod
    def size_of_state(packet, event, length):
        """Bytes of an event without its arguments, counters, arrows and the names it gives."""
        extra = sum(len(part) + 2 for part in packet[12]) + sum(len(part) + 2 for part in event[4])
        extra += 10 * (len(event[47]) + len(event[48])) + 2 * len(event[12]) + 3 * len(event[31])
        return 2 + length - extra

    def begin(self, sequence, track, now, event):
        name = sequence.names[one(event, 10)] if event[10] else one(event, 23).decode("utf-8")
        arguments = {}
        for annotation in event[4]:
            annotation = message(annotation)
            arguments[sequence.keys[one(annotation, 1)]] = sequence.strings[one(annotation, 17)]
        self.stacks[track].append((name, now, arguments))
        for flow in event[48]:
            require(len(self.flows.get(flow, ())) == 1, f"arrow {flow} ends before it begins")
            self.flows[flow].append(Point(track, name, now, flow))

    def add_point(self, track, name, now, event):
        flow = one(event, 47)
        point = Point(track, name, now, flow)
        self.instants.append(point)
        require(flow not in self.flows, f"arrow {flow} begins twice")
        self.flows[flow] = [point]

    def count(self, counter, now, value):
        require(self.tracks[counter]["kind"] == "counter", f"track {counter} is no counter")
        points = self.counters[counter]
        require(not points or points[-1][0] <= now, "a counter that goes back in time")
        points.append((now, value))

    def counter_named(self, name):
        found = [uuid for uuid, track in self.tracks.items()
                 if track["kind"] == "counter" and track["name"] == name]
        require(len(found) == 1, f"{len(found)} counters '{name}'")
        return self.counters[found[0]]

    def arrows(self):
        return [points for points in self.flows.values() if len(points) == 2]


def integral(points, end_ns):
    """Σ value × time until the next value."""
    ends = [time for time, _ in points[1:]] + [end_ns]
    return sum(value * (end - time) for (time, value), end in zip(points, ends))
