/* SPDX-License-Identifier: GPL-2.0-only */
/* The packed tracks of a timeline: unpacked, searched, and summed to pixels. */

const CHUNK = 64; /* pieces summed ahead, so that a wide view does not visit each */
const LOOK_UNKNOWN = 11; /* and, beyond it, what was lost */
const LOOK_LOCK = 3;

function unpackBytes(text) {
	const raw = atob(text),
		bytes = new Uint8Array(raw.length);

	for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
	return bytes;
}

/* One track: start[i] … start[i + 1] is piece i, in ns from the begin of the interval. */
class Track {
	constructor(packed, looks, lookCount) {
		this.thread = packed.thread;
		this.count = packed.pieces;
		this.looks = looks; /* of the entries */
		this.lookCount = lookCount;
		this.start = new Float64Array(this.count + 1);
		this.entry = new Uint16Array(this.count);
		this.mixAt = null; /* piece: number of its mix, where there are any */
		this.unpack(packed);
		this.sum();
	}

	unpack(packed) {
		const bytes = unpackBytes(packed.data);
		const counts = [],
			parts = []; /* of the mixes */
		let at = 0,
			now = packed.start_ns;

		const next = () => {
			let value = 0,
				scale = 1,
				byte;

			do {
				byte = bytes[at++];
				value += (byte & 127) * scale;
				scale *= 128;
			} while (byte > 127);
			return value;
		};

		for (let i = 0; i < this.count; i++) {
			this.start[i] = now;
			this.entry[i] = next();
			now += next();
			if (this.entry[i]) continue;
			this.mixAt = this.mixAt || new Uint32Array(this.count);
			this.mixAt[i] = counts.length;
			counts.push(next());
			for (let look = 0, set = next(); look < this.lookCount; look++)
				parts.push((set >> look) & 1 ? bytes[at++] : 0);
		}
		this.mixCounts = counts;
		this.mixParts = Uint8Array.from(parts);
		this.start[this.count] = now;
	}

	/* Adds ns of piece i to sums by look. */
	add(sums, i, ns) {
		if (this.entry[i]) {
			sums[this.looks[this.entry[i]]] += ns;
			return;
		}
		const { lookCount, mixParts } = this,
			first = this.mixAt[i] * lookCount;

		for (let look = 0; look < lookCount; look++)
			sums[look] += (ns * mixParts[first + look]) / 255;
	}

	sum() {
		const chunks = Math.floor(this.count / CHUNK),
			width = this.lookCount;

		this.chunks = new Float64Array(chunks * width);
		for (let c = 0; c < chunks; c++) {
			const sums = this.chunks.subarray(c * width, (c + 1) * width);

			for (let i = c * CHUNK; i < (c + 1) * CHUNK; i++)
				this.add(sums, i, this.start[i + 1] - this.start[i]);
		}
	}

	/* The piece at a time, or -1. */
	find(ns) {
		let low = 0,
			high = this.count;

		if (!this.count || ns < this.start[0] || ns >= this.start[this.count]) return -1;
		while (high - low > 1) {
			const middle = (low + high) >> 1;

			if (this.start[middle] <= ns) low = middle;
			else high = middle;
		}
		return low;
	}

	/* Sums by look of [from, to), beginning at piece i; returns the first piece beyond. */
	sumRange(sums, i, from, to) {
		const { start, count, lookCount } = this;

		while (i < count && start[i] < to) {
			if (
				i % CHUNK === 0 &&
				i + CHUNK <= count &&
				start[i] >= from &&
				start[i + CHUNK] <= to
			) {
				const at = (i / CHUNK) * lookCount;

				for (let look = 0; look < lookCount; look++)
					sums[look] += this.chunks[at + look];
				i += CHUNK;
				continue;
			}
			this.add(sums, i, Math.min(start[i + 1], to) - Math.max(start[i], from));
			i++;
		}
		return i;
	}

	/* Sums by look of a piece alone: one look, or the parts of several slices. */
	sumsOf(sums, i) {
		sums.fill(0);
		this.add(sums, i, this.start[i + 1] - this.start[i]);
	}
}

/* The threads that have no track of their own, together. */
class OtherThreads {
	constructor(timeline) {
		this.count = timeline.other_threads;
		this.bins = timeline.other_bins;
		this.bin = timeline.bin_ns;
		this.looks = timeline.looks.length;
	}

	/* What their time in the bin at this time was spent on: ns by look. */
	at(ns) {
		const first = Math.floor(ns / this.bin) * this.looks;

		return this.bins.slice(first, first + this.looks);
	}

	sumsAt(sums, ns) {
		this.at(ns).forEach((part, look) => {
			sums[look] = part;
		});
	}
}

class Timeline {
	constructor(packed, page, wall) {
		this.page = page;
		this.wall = wall;
		this.packed = packed;
		this.lookNames = packed.looks;
		this.entries = packed.entries;
		this.tracks = packed.tracks.map(
			(track) => new Track(track, packed.entries.look, packed.looks.length),
		);
		this.others = packed.other_threads ? new OtherThreads(packed) : null;
		this.rowOf = new Map(this.tracks.map((track, row) => [track.thread, row]));
	}

	get rows() {
		return this.tracks.length + (this.others ? 1 : 0);
	}

	nameOfRow(row) {
		return row < this.tracks.length
			? nameOf(this.page.threads, this.tracks[row].thread)
			: `${formatCount(this.others.count)} other threads`;
	}

	/* The looks that occur at all, in their order. */
	looksUsed() {
		const used = new Set(this.entries.look.slice(1));

		if (this.others)
			this.others.bins.forEach((ns, i) => ns && used.add(i % this.others.looks));
		return [...used].sort((a, b) => a - b);
	}

	/* The holder's row, or -1. */
	holderRow(row, i) {
		const track = this.tracks[row];
		const holder = track.entry[i] ? this.entries.holder[track.entry[i]] : 0;

		return holder && this.rowOf.has(holder) ? this.rowOf.get(holder) : -1;
	}

	/* What is known of a piece: pairs of a name and a text. */
	describe(row, i) {
		const track = this.tracks[row],
			{ entries, page } = this;
		const from = track.start[i],
			to = track.start[i + 1],
			entry = track.entry[i];
		const rows = [['thread', this.nameOfRow(row)]];
		const exact = `${formatCount(to - from)} ns`;
		const lock = entries.lock[entry],
			holder = entries.holder[entry];

		if (!entry)
			return [
				...rows,
				...this.describeMix(track, i),
				['from', `${formatMoment(from)} to ${formatMoment(to)}`],
			];
		rows.push(
			['state', this.lookNames[entries.look[entry]]],
			['duration', `${formatTime(to - from)} (${exact})`],
			['from', `${formatMoment(from)} to ${formatMoment(to)}`],
		);
		if (lock) rows.push(['lock', nameOf(page.locks, lock)]);
		if (holder || entries.look[entry] === LOOK_LOCK)
			rows.push(['holder', holder ? nameOf(page.threads, holder) : 'not known']);
		if (entries.call[entry] >= 0)
			rows.push(['system call', nameOf(page.calls, entries.call[entry])]);
		if (entries.cpu[entry] >= 0) rows.push(['CPU', String(entries.cpu[entry])]);
		return rows;
	}

	/* "running 62 %, queued 38 %" */
	describeParts(sums) {
		const percent = shares([...sums]);

		return [...sums.keys()]
			.filter((look) => sums[look] > 0)
			.sort((a, b) => sums[b] - sums[a])
			.map((look) => `${this.lookNames[look]} ${percent[look]}`)
			.join(', ');
	}

	describeMix(track, i) {
		const count = formatCount(track.mixCounts[track.mixAt[i]]);
		const below = formatTime(this.packed.merge_below_ns);
		const sums = new Float64Array(this.lookNames.length);

		track.sumsOf(sums, i);
		return [
			['slices', `${count}, each shorter than ${below}`],
			['together', formatTime(track.start[i + 1] - track.start[i])],
			['about', this.describeParts(sums)],
		];
	}

	describeOthers(ns) {
		return [
			['threads', this.nameOfRow(this.tracks.length)],
			['about', this.describeParts(this.others.at(ns))],
		];
	}
}
