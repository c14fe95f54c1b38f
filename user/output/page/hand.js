/* SPDX-License-Identifier: GPL-2.0-only */
/* A timeline one can handle: zoom, pan, point at, pick; by mouse, finger and keyboard. */

const SPAN_LEAST = 100; /* ns */
const ZOOM = 1.5;
const TALL = 0.7; /* of the window */

class Viewer {
	constructor(timeline, label) {
		this.timeline = timeline;
		this.view = { from: 0, to: timeline.wall, scroll: 0 };
		this.hovered = { row: -1, piece: -1 };
		this.picked = { row: -1, piece: -1 };
		this.pointers = new Map();
		this.canvas = el('canvas', {
			tabindex: 0,
			role: 'application',
			'aria-label': label,
		});
		this.spacer = el('div', null, this.canvas);
		this.frame = el('div.timeline', null, this.spacer);
		this.tip = el('div.tip', { hidden: '' });
		this.chosen = el('div.picked', { 'aria-live': 'polite' });
		this.hint = el('span.faint.hint');
		this.element = el(
			'div',
			null,
			this.tools(),
			this.frame,
			this.tip,
			this.chosen,
			this.legend(),
		);
		this.painter = new Painter(this.canvas, timeline);
		this.listen();
		this.showPicked();
	}

	tools() {
		const button = (text, name, action) => {
			const made = el(
				'button',
				{ type: 'button', 'aria-label': name, title: name },
				text,
			);

			made.addEventListener('click', action);
			return made;
		};

		return el(
			'div.tools',
			null,
			button('+', 'zoom in', () => this.zoom(1 / ZOOM)),
			button('\u2212', 'zoom out', () => this.zoom(ZOOM)),
			button('\u25c0', 'earlier', () => this.pan(-0.25)),
			button('\u25b6', 'later', () => this.pan(0.25)),
			button('all', 'the whole time', () => this.show(0, this.timeline.wall)),
			this.hint,
		);
	}

	legend() {
		const names = this.timeline.lookNames;

		return legend(
			this.timeline
				.looksUsed()
				.map((look) => [
					`--s-${LOOK_COLORS[look]}`,
					...stateWords(names[look]),
				]),
		);
	}

	/* Draws at the next frame, once, however often it is asked. */
	refresh() {
		if (this.waiting) return;
		this.waiting = true;
		requestAnimationFrame(() => {
			this.waiting = false;
			this.draw();
		});
	}

	draw() {
		const width = this.frame.clientWidth,
			{ rows } = this.timeline;
		const whole = Painter.heightOf(width, rows);
		const most = document.documentElement.classList.contains('paper')
			? whole
			: Math.max(220, Math.round(innerHeight * TALL));
		const height = Math.min(whole, most),
			began = performance.now();

		/* What does not change is not touched: laying out a long page takes time. */
		if (
			width !== this.painter.width ||
			height !== this.painter.height ||
			devicePixelRatio !== this.ratio
		) {
			this.ratio = devicePixelRatio;
			this.frame.style.maxHeight = `${height + 2}px`;
			this.spacer.style.height = `${whole}px`;
			if (!this.painter.resize(width, height)) return;
		}
		this.view.scroll = this.frame.scrollTop;
		this.painter.draw(this.view, [this.picked, this.hovered]);
		if (this.hint.textContent !== this.hintText())
			this.hint.textContent = this.hintText();
		Object.assign(this.canvas.dataset, {
			from: this.view.from,
			to: this.view.to,
			drawMs: (performance.now() - began).toFixed(2),
		});
	}

	hintText() {
		if (this.painter.isCrowded)
			return 'zoom in to see an arrow from each waiter to the holder';
		if (this.painter.hasArrows)
			return 'arrows: from a waiter to the thread that had the lock';
		if (matchMedia('(pointer: coarse)').matches)
			return 'drag to pan, pinch to zoom, tap a slice for its details';
		return 'click, then turn the wheel to zoom; drag to pan; keys: arrows, +, \u2212';
	}

	show(from, to) {
		const { wall } = this.timeline;
		const span = Math.min(wall, Math.max(SPAN_LEAST, to - from));
		const at = Math.min(Math.max(0, from), wall - span);

		this.view.from = at;
		this.view.to = at + span;
		this.refresh();
	}

	/* About a place in the view, 0 … 1; by default what is picked, or the middle. */
	zoom(factor, place) {
		const { from, to } = this.view,
			span = to - from;
		let about = place;

		if (about === undefined) {
			const track =
				this.picked.piece >= 0
					? this.timeline.tracks[this.picked.row]
					: null;
			const middle = track
				? (Math.max(from, track.start[this.picked.piece]) +
						Math.min(to, track.start[this.picked.piece + 1])) /
					2
				: -1;

			about = middle >= from && middle <= to ? (middle - from) / span : 0.5;
		}
		const wide = Math.min(this.timeline.wall, Math.max(SPAN_LEAST, span * factor));
		const at = from + about * span - about * wide;

		this.show(at, at + wide);
	}

	pan(part) {
		const span = this.view.to - this.view.from;

		this.show(this.view.from + part * span, this.view.to + part * span);
	}

	/* What lies under a point of the canvas. */
	hit(x, y) {
		const row = this.painter.rowAt(this.view, y);
		const ns = this.painter.timeAt(this.view, x);

		if (row < 0 || row >= this.timeline.rows || x < this.painter.gutter)
			return { row: -1, piece: -1 };
		if (row === this.timeline.tracks.length) return { row, piece: -1, ns };
		return { row, piece: this.nearest(this.timeline.tracks[row], ns), ns };
	}

	/* Of pieces narrower than a pixel the longest one under it. */
	nearest(track, ns) {
		const half = (this.view.to - this.view.from) / this.painter.columns / 2;
		let best = track.find(ns),
			i = track.find(Math.max(track.start[0], ns - half));

		if (best < 0 || i < 0 || track.start[best + 1] - track.start[best] > 2 * half)
			return best;
		for (
			let n = 0;
			i < track.count && track.start[i] < ns + half && n < 4096;
			i++, n++
		) {
			if (
				track.start[i + 1] - track.start[i] >
				track.start[best + 1] - track.start[best]
			)
				best = i;
		}
		return best;
	}

	detail(mark) {
		const rows =
			mark.piece >= 0
				? this.timeline.describe(mark.row, mark.piece)
				: this.timeline.describeOthers(mark.ns);

		return el(
			'dl.detail',
			null,
			rows.map(([name, text]) =>
				el('div', null, el('dt', null, name), el('dd', null, text)),
			),
		);
	}

	isSomething(mark) {
		return (
			mark.piece >= 0 ||
			(mark.row >= 0 &&
				mark.row === this.timeline.tracks.length &&
				mark.ns >= 0 &&
				mark.ns < this.timeline.wall)
		);
	}

	hover(event) {
		const place = this.canvas.getBoundingClientRect();
		const mark = this.hit(event.clientX - place.left, event.clientY - place.top);

		this.hovered = mark;
		this.refresh();
		if (!this.isSomething(mark)) {
			this.tip.hidden = true;
			return;
		}
		this.tip.replaceChildren(this.detail(mark));
		this.tip.hidden = false;
		const { offsetWidth: width, offsetHeight: height } = this.tip;
		const left =
			event.clientX + 16 + width < innerWidth
				? event.clientX + 16
				: Math.max(8, event.clientX - 16 - width);
		const top =
			event.clientY + 20 + height < innerHeight
				? event.clientY + 20
				: Math.max(8, event.clientY - 20 - height);

		this.tip.style.left = `${left}px`;
		this.tip.style.top = `${top}px`;
	}

	unhover() {
		this.hovered = { row: -1, piece: -1 };
		this.tip.hidden = true;
		this.refresh();
	}

	pick(mark) {
		this.picked = mark;
		this.showPicked();
		this.refresh();
	}

	showPicked() {
		this.chosen.replaceChildren(
			this.isSomething(this.picked)
				? this.detail(this.picked)
				: el(
						'span.faint.hint',
						null,
						'Point at the picture to see what a thread was ' +
							'doing; click or tap to keep it here.',
					),
		);
	}

	/* The next piece of the row, or the same time in the next row. */
	step(rows, pieces) {
		const { tracks } = this.timeline,
			{ picked, view } = this;
		const row = Math.min(
			tracks.length - 1,
			Math.max(0, picked.row < 0 ? 0 : picked.row + rows),
		);
		const track = tracks[row];

		if (!track || !track.count) return;
		const ns =
			picked.piece >= 0 && tracks[picked.row]
				? tracks[picked.row].start[picked.piece]
				: (view.from + view.to) / 2;
		const found = Math.max(
			0,
			track.find(
				Math.max(
					track.start[0],
					Math.min(ns, track.start[track.count] - 1),
				),
			),
		);
		const piece = Math.min(track.count - 1, Math.max(0, found + pieces));
		const begin = track.start[piece],
			span = view.to - view.from;

		if (begin < view.from || begin >= view.to)
			this.show(begin - span / 2, begin + span / 2);
		this.frame.scrollTop = Math.min(this.frame.scrollTop, row * this.painter.rowHeight);
		this.pick({ row, piece });
	}

	listen() {
		const { canvas } = this;

		canvas.addEventListener('wheel', (event) => this.onWheel(event), {
			passive: false,
		});
		canvas.addEventListener('pointerdown', (event) => this.onDown(event));
		canvas.addEventListener('pointermove', (event) => this.onMove(event));
		canvas.addEventListener('pointerup', (event) => this.onUp(event));
		canvas.addEventListener('pointercancel', (event) =>
			this.pointers.delete(event.pointerId),
		);
		canvas.addEventListener('pointerleave', () => this.unhover());
		canvas.addEventListener('dblclick', () => this.zoomTo(this.picked));
		canvas.addEventListener('keydown', (event) => this.onKey(event));
		this.frame.addEventListener('scroll', () => this.refresh());
		new ResizeObserver(() => this.refresh()).observe(this.frame);
		addEventListener('resize', () => this.refresh());
	}

	zoomTo(mark) {
		if (mark.piece < 0) return;
		const { start } = this.timeline.tracks[mark.row];
		const from = start[mark.piece],
			span = start[mark.piece + 1] - from;

		this.show(from - span, from + 2 * span);
	}

	/* The wheel belongs to the page until the picture was clicked. */
	onWheel(event) {
		const isPinch = event.ctrlKey || event.metaKey;
		const isAcross = event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY);
		const scale = event.deltaMode === 1 ? 33 : event.deltaMode === 2 ? 400 : 1;
		const width = this.painter.width - this.painter.gutter;
		const x =
			event.clientX -
			this.canvas.getBoundingClientRect().left -
			this.painter.gutter;

		if (!isPinch && !isAcross && document.activeElement !== this.canvas) return;
		event.preventDefault();
		if (isAcross && !isPinch)
			this.pan(((event.deltaX || event.deltaY) * scale) / width);
		else
			this.zoom(
				Math.exp(event.deltaY * scale * (isPinch ? 0.01 : 0.002)),
				Math.min(1, Math.max(0, x / width)),
			);
	}

	onDown(event) {
		if (event.pointerType === 'mouse' && event.button !== 0) return;
		try {
			this.canvas.setPointerCapture(event.pointerId);
		} catch (gone) {
			return; /* lifted already */
		}
		this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
		this.moved = this.pointers.size > 1;
		this.origin = { x: event.clientX, y: event.clientY };
	}

	onMove(event) {
		const pointer = this.pointers.get(event.pointerId);

		if (!pointer) {
			if (event.pointerType === 'mouse') this.hover(event);
			return;
		}
		const before = [...this.pointers.values()].map(({ x }) => x);
		const rise = event.clientY - pointer.y;

		pointer.x = event.clientX;
		pointer.y = event.clientY;
		if (Math.hypot(event.clientX - this.origin.x, event.clientY - this.origin.y) > 4)
			this.moved = true;
		if (!this.moved) return;
		this.tip.hidden = true;
		this.drag(
			before,
			[...this.pointers.values()].map(({ x }) => x),
		);
		if (event.pointerType === 'mouse') this.frame.scrollTop -= rise;
	}

	/* One finger moves; two keep the times under them. */
	drag(before, after) {
		const width = this.painter.width - this.painter.gutter;
		const left = this.canvas.getBoundingClientRect().left + this.painter.gutter;

		if (before.length === 1) {
			this.pan((before[0] - after[0]) / width);
			return;
		}
		const was = Math.abs(before[0] - before[1]),
			is = Math.abs(after[0] - after[1]);

		this.pan((before[0] + before[1] - after[0] - after[1]) / 2 / width);
		if (was > 8 && is > 8)
			this.zoom(was / is, ((after[0] + after[1]) / 2 - left) / width);
	}

	onUp(event) {
		const place = this.canvas.getBoundingClientRect();

		if (!this.pointers.delete(event.pointerId) || this.moved) return;
		this.canvas.focus({ preventScroll: true });
		this.pick(this.hit(event.clientX - place.left, event.clientY - place.top));
	}

	onKey(event) {
		const keys = {
			ArrowLeft: () => this.pan(-0.1),
			ArrowRight: () => this.pan(0.1),
			ArrowUp: () => this.step(-1, 0),
			ArrowDown: () => this.step(1, 0),
			'+': () => this.zoom(1 / ZOOM),
			'=': () => this.zoom(1 / ZOOM),
			'-': () => this.zoom(ZOOM),
			0: () => this.show(0, this.timeline.wall),
			Home: () => this.show(0, this.timeline.wall),
			',': () => this.step(0, -1),
			'.': () => this.step(0, 1),
			Enter: () => this.zoomTo(this.picked),
			Escape: () => this.pick({ row: -1, piece: -1 }),
		};

		if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
		event.preventDefault();
		keys[event.key]();
	}
}
