/* SPDX-License-Identifier: GPL-2.0-only */
/* The picture of a timeline: pixels, names, axis and arrows for a view. Not for what the hand does
 * with it. */

const LOOK_COLORS = [
	'running',
	'preempted',
	'queued',
	'lock',
	'condition',
	'join',
	'futex',
	'io',
	'kernel',
	'sleep',
	'stopped',
	'unknown',
	'hole',
];
/* From the bottom of a pixel column up: what matters most lies on the ground. */
const STACK = [0, 2, 1, 3, 6, 8, 7, 4, 5, 9, 10, 11, 12];
const AXIS = 26; /* all in CSS pixels */
const WIDE = 620;
const GUTTER = 168;
const NAME = 17; /* above the bar where there is no gutter */
const ARROWS_MAX = 150;
const ARROW_LEAST = 5; /* a wait narrower than this gets no arrow */

function readColors() {
	const style = getComputedStyle(document.documentElement);
	const read = (name) => style.getPropertyValue(name).trim();
	const pixel = (color) => {
		const value = parseInt(color.slice(1), 16);

		return (
			((255 << 24) |
				((value & 255) << 16) |
				(((value >> 8) & 255) << 8) |
				(value >> 16)) >>>
			0
		);
	};

	return {
		looks: Uint32Array.from(LOOK_COLORS, (look) => pixel(read(`--s-${look}`))),
		page: pixel(read('--page')),
		pageText: read('--page'),
		text: read('--text'),
		faint: read('--faint'),
		line: read('--line'),
		accent: read('--accent'),
	};
}

class Painter {
	constructor(canvas, timeline) {
		this.canvas = canvas;
		this.context = canvas.getContext('2d');
		this.timeline = timeline;
		this.sums = new Float64Array(timeline.lookNames.length);
		this.heights = new Int32Array(timeline.lookNames.length);
		this.recolor();
	}

	recolor() {
		this.colors = readColors();
	}

	/* Fits the canvas to its place; false while it has none. */
	resize(width, height) {
		const ratio = Math.min(window.devicePixelRatio || 1, 3);

		if (width < 1 || height < 1) return false;
		this.width = width;
		this.height = height;
		this.ratio = ratio;
		this.gutter = width >= WIDE ? GUTTER : 0;
		this.barHeight = Painter.barOf(this.timeline.rows);
		this.barTop = this.gutter ? 4 : NAME;
		this.rowHeight = this.barTop + this.barHeight + 4;
		this.canvas.width = Math.round(width * ratio);
		this.canvas.height = Math.round(height * ratio);
		this.canvas.style.height = `${height}px`;
		this.left = Math.round(this.gutter * ratio);
		this.columns = this.canvas.width - this.left;
		this.image = this.context.createImageData(this.columns, this.canvas.height);
		this.pixels = new Uint32Array(this.image.data.buffer);
		return true;
	}

	/* Few threads have room to be seen well. */
	static barOf(rows) {
		return rows <= 6 ? 32 : rows <= 16 ? 24 : 18;
	}

	static heightOf(width, rows) {
		const bar = Painter.barOf(rows);

		return AXIS + rows * (width >= WIDE ? bar + 8 : NAME + bar + 4) + 4;
	}

	xOf(view, ns) {
		return (
			this.gutter +
			((ns - view.from) / (view.to - view.from)) * (this.width - this.gutter)
		);
	}

	timeAt(view, x) {
		return (
			view.from +
			((x - this.gutter) / (this.width - this.gutter)) * (view.to - view.from)
		);
	}

	rowAt(view, y) {
		return y < AXIS ? -1 : Math.floor((y - AXIS + view.scroll) / this.rowHeight);
	}

	/* The middle of a row's bar. */
	yOf(view, row) {
		return AXIS + row * this.rowHeight - view.scroll + this.barTop + this.barHeight / 2;
	}

	draw(view, marks) {
		const { context, canvas, timeline, rowHeight } = this;
		const first = Math.max(0, Math.floor(view.scroll / rowHeight));
		const last = Math.min(
			timeline.rows - 1,
			Math.floor((view.scroll + this.height) / rowHeight),
		);

		this.pixels.fill(this.colors.page);
		this.waits = [];
		for (let row = first; row <= last; row++) this.paintRow(view, row);
		context.setTransform(1, 0, 0, 1, 0, 0);
		context.fillStyle = this.colors.pageText;
		context.fillRect(0, 0, canvas.width, canvas.height);
		context.putImageData(this.image, this.left, 0);
		context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
		this.drawMarks(view, marks);
		this.drawArrows(view, marks);
		this.drawNames(view, first, last);
		this.drawAxis(view);
	}

	paintRow(view, row) {
		const ratio = this.ratio;
		const top = Math.round(
			(AXIS + row * this.rowHeight - view.scroll + this.barTop) * ratio,
		);
		const bar = { top, height: Math.round(this.barHeight * ratio), row };

		if (row < this.timeline.tracks.length)
			this.paintTrack(view, this.timeline.tracks[row], bar);
		else this.paintOthers(view, bar);
	}

	paintTrack(view, track, bar) {
		const { columns, sums } = this,
			{ start, count } = track;
		const step = (view.to - view.from) / columns;
		const end = start[count];
		let i = Math.max(0, track.find(view.from));
		let x = count ? Math.max(0, Math.floor((start[0] - view.from) / step)) : columns;

		while (x < columns) {
			const from = view.from + x * step,
				to = from + step;

			if (from >= end) return;
			while (i + 1 < count && start[i + 1] <= from) i++;
			if (start[i] <= from && start[i + 1] >= to) {
				const beyond = Math.min(
					columns,
					Math.max(
						x + 1,
						Math.floor((start[i + 1] - view.from) / step),
					),
				);

				this.paintPiece(track, i, x, beyond, bar);
				x = beyond;
				continue;
			}
			sums.fill(0);
			track.sumRange(sums, i, from, to);
			this.paintStack(x, x + 1, bar);
			x++;
		}
	}

	paintPiece(track, i, from, to, bar) {
		const entry = track.entry[i];

		if (!entry) {
			track.sumsOf(this.sums, i);
			this.paintStack(from, to, bar);
			return;
		}
		this.fill(from, to, bar.top, bar.height, this.timeline.entries.look[entry]);
		if (
			to - from >= ARROW_LEAST * this.ratio &&
			this.waits.length <= ARROWS_MAX &&
			this.timeline.entries.holder[entry]
		)
			this.waits.push({ row: bar.row, piece: i });
	}

	paintOthers(view, bar) {
		const step = (view.to - view.from) / this.columns;

		for (let x = 0; x < this.columns; x++) {
			const ns = view.from + (x + 0.5) * step;

			if (ns < 0 || ns >= this.timeline.wall) continue;
			this.timeline.others.sumsAt(this.sums, ns);
			this.paintStack(x, x + 1, bar);
		}
	}

	/* The sums as a column; what is there at all is seen, if there is room for it. */
	paintStack(from, to, bar) {
		const { sums, heights } = this;
		let total = 0,
			given = 0,
			largest = 0,
			y = bar.top + bar.height;

		for (let look = 0; look < sums.length; look++) total += sums[look];
		if (total <= 0) return;
		for (let look = 0; look < sums.length; look++) {
			const height = (sums[look] / total) * bar.height;

			heights[look] = sums[look] > 0 ? Math.max(1, Math.round(height)) : 0;
			given += heights[look];
			if (heights[look] > heights[largest]) largest = look;
		}
		heights[largest] += bar.height - given;
		for (const look of STACK) {
			y -= heights[look];
			this.fill(from, to, y, heights[look], look);
		}
	}

	fill(from, to, top, height, look) {
		const { columns, pixels } = this,
			color = this.colors.looks[look];
		const least = Math.max(0, top),
			beyond = Math.min(this.canvas.height, top + height);

		for (let y = least; y < beyond; y++) {
			/* What is not known is hatched. */
			if (look >= LOOK_UNKNOWN) {
				for (let x = from; x < to; x++)
					pixels[y * columns + x] =
						(x + y) % 6 < 2 ? color : this.colors.page;
			} else {
				pixels.fill(color, y * columns + from, y * columns + to);
			}
		}
	}

	drawMarks(view, marks) {
		const { context } = this;

		for (const mark of marks) {
			if (mark.piece < 0) continue;
			const { start } = this.timeline.tracks[mark.row];
			const from = Math.max(this.gutter, this.xOf(view, start[mark.piece]));
			const to = Math.min(this.width, this.xOf(view, start[mark.piece + 1]));
			const y = this.yOf(view, mark.row) - this.barHeight / 2;

			context.strokeStyle = this.colors.text;
			context.lineWidth = 2;
			if (to >= from)
				context.strokeRect(
					from - 1,
					y - 1,
					Math.max(2, to - from + 2),
					this.barHeight + 2,
				);
		}
	}

	drawArrows(view, marks) {
		const crowded = this.waits.length > ARROWS_MAX;

		this.hasArrows = !crowded && this.waits.length > 0;
		this.isCrowded = crowded;
		if (!crowded) {
			this.context.globalAlpha = 0.6;
			this.waits.forEach((wait) => this.drawArrow(view, wait, 1));
			this.context.globalAlpha = 1;
		}
		marks.filter((mark) => mark.piece >= 0).forEach((mark) =>
			this.drawArrow(view, mark, 2),
		);
	}

	/* From the waiter, where its wait begins, to the thread that had the lock then. */
	drawArrow(view, wait, weight) {
		const { context, timeline } = this;
		const holder = timeline.holderRow(wait.row, wait.piece);
		const begin = timeline.tracks[wait.row].start[wait.piece];
		const x = Math.max(this.gutter + 4, this.xOf(view, begin));
		const down = holder > wait.row ? 1 : -1,
			tip = 4 + 2 * weight;

		if (holder < 0 || holder === wait.row || x > this.width) return;
		const from = this.yOf(view, wait.row),
			to = this.yOf(view, holder) - down * 5;

		context.strokeStyle = context.fillStyle = this.colors.text;
		context.lineWidth = weight;
		context.beginPath();
		context.moveTo(x, from);
		context.lineTo(x, to - down * tip);
		context.stroke();
		context.beginPath();
		context.moveTo(x, to);
		context.lineTo(x - tip / 2, to - down * tip);
		context.lineTo(x + tip / 2, to - down * tip);
		context.fill();
		context.beginPath();
		context.arc(x, from, 1 + weight, 0, 7);
		context.fill();
	}

	drawNames(view, first, last) {
		const { context } = this,
			room = (this.gutter || this.width) - 16;

		context.fillStyle = this.colors.text;
		context.font = `${this.gutter ? 13 : 12}px system-ui, sans-serif`;
		context.textAlign = 'left';
		context.textBaseline = 'middle';
		if (this.gutter) {
			context.fillStyle = this.colors.pageText;
			context.fillRect(0, 0, this.gutter, this.height);
			context.fillStyle = this.colors.text;
		}
		for (let row = first; row <= last; row++) {
			const y = AXIS + row * this.rowHeight - view.scroll;

			context.fillText(
				this.cut(this.timeline.nameOfRow(row), room),
				10,
				this.gutter ? y + this.barTop + this.barHeight / 2 : y + 9,
			);
		}
	}

	/* The end of a name tells threads apart: the middle goes. */
	cut(text, room) {
		const { context } = this;
		let keep = text.length;

		while (keep > 4 && context.measureText(text).width > room) {
			keep--;
			text = `${text.slice(0, Math.ceil(keep / 2))}\u2026${text.slice(
				text.length - Math.floor(keep / 2),
			)}`;
		}
		return text;
	}

	drawAxis(view) {
		const { context } = this,
			span = view.to - view.from;
		const step = niceStep(span / Math.max(2, (this.width - this.gutter) / 110));
		const first = Math.ceil(view.from / step) * step;

		context.fillStyle = this.colors.pageText;
		context.fillRect(0, 0, this.width, AXIS);
		context.fillStyle = this.colors.faint;
		context.strokeStyle = this.colors.line;
		context.lineWidth = 1;
		context.font = '12px system-ui, sans-serif';
		context.beginPath();
		for (let ns = first; ns <= view.to; ns += step) {
			const x = this.xOf(view, ns),
				text = tickName(ns, step);

			context.moveTo(x, AXIS - 6);
			context.lineTo(x, AXIS);
			if (x + context.measureText(text).width < this.width)
				context.fillText(text, Math.max(this.gutter + 2, x + 4), AXIS / 2);
		}
		context.moveTo(this.gutter, AXIS - 0.5);
		context.lineTo(this.width, AXIS - 0.5);
		context.stroke();
	}
}

function niceStep(least) {
	const power = 10 ** Math.floor(Math.log10(least));

	return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}

/* All digits that tell this tick from the next. */
function tickName(ns, step) {
	const unit =
		['s', 'ms', '\u00b5s', 'ns'].find(
			(name) =>
				step >= unitOf(name) / 1000 &&
				(ns >= unitOf(name) || step >= unitOf(name) / 10),
		) || 'ns';
	const decimals = Math.max(0, -Math.floor(Math.log10(step / unitOf(unit)) + 1e-9));

	return `${(ns / unitOf(unit)).toFixed(decimals)} ${unit}`;
}
