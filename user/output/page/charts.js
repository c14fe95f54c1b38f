/* SPDX-License-Identifier: GPL-2.0-only */
/* Bars: findings, how many ran at a time, the bill as a waterfall, where the CPUs went. */

const NUMBER_WORDS = ['nobody', 'one', 'two', 'three', 'four'];
const LEVELS = 6; /* nobody … four, more */
const LOCKS_NAMED = 3;
const OTHER_LOCKS = 'waiting for other locks';
const GAPS_NAMED = 5;
/* Findings that are good news, or none; the others are bad. */
const MOODS = {
	faster: '.good',
	'no-difference': '.plain',
	'spread-unknown': '.plain',
	'other-work': '.plain',
};

function nameOf(names, number) {
	return names && names[number] !== undefined ? names[number] : `number ${number}`;
}

/* "baseline_wall_ns" as words. */
function evidenceName(key) {
	const words = key.replace(/_ns$/, '').replaceAll('_', ' ');

	return { p50: 'median', wait: 'waited' }[words] || words;
}

function evidence(key, value, unit, page) {
	let shown;

	if (unit === 'permille') shown = number(value, 'permille', `${(value / 10).toFixed(1)} %`);
	else if (unit === 'thread') shown = nameOf(page.threads, value);
	else if (unit === 'lock') shown = nameOf(page.locks, value);
	else shown = number(value, unit);
	return el('li', null, el('span', null, evidenceName(key)), shown);
}

function finding(found, units, page, isFirst) {
	const mood = MOODS[found.id] || '';
	const kind = `div.finding${isFirst ? '.first' : ''}${mood}`;
	const chips = Object.entries(found.evidence || {}).map(([key, value]) =>
		evidence(key, value, units[key], page),
	);

	return el(
		kind,
		null,
		el('p.says', null, prose(found.says)),
		found.try ? el('p.try', null, prose(`Try: ${found.try}.`)) : null,
		chips.length ? el('ul.chips', null, chips) : null,
	);
}

/* Wall time by the number of threads running in it: [level, ns, name]. */
function levelsOf(report) {
	const sums = new Array(LEVELS).fill(0);
	const lost = report.capacity.not_recorded_ns;

	for (const row of report.parallel) sums[Math.min(row.running, LEVELS - 1)] += row.wall_ns;
	sums[LEVELS - 1] += report.parallel_more_ns || 0;
	const levels = sums
		.map((ns, level) => [
			`--level-${level}`,
			ns,
			`${NUMBER_WORDS[level] || 'more'} running`,
		])
		.filter(([, ns], level) => ns > 0 || level < 2);

	return lost ? [...levels, ['--s-hole', lost, 'not recorded']] : levels;
}

function levelBoxes(levels, whole) {
	let at = 0;

	return levels.map(([color, ns, name]) => {
		const from = at;

		at += ns;
		return box(from / whole, at / whole, color, `${name}: ${formatTime(ns)}`);
	});
}

function levelLegend(levels, hasShares) {
	const parts = shares(levels.map(([, ns]) => ns));

	return legend(
		levels.map(([color, ns, name], i) =>
			hasShares
				? [color, `${name} `, number(ns, 'ns'), ` (${parts[i]})`]
				: [color, name],
		),
	);
}

/* Rows of a waterfall: {name, ns, from, kind, min_ns, max_ns}; from: where the step begins. */
function waterfall(rows, hasRanges) {
	const ends = rows.flatMap((row) => [row.from, row.from + row.ns]).concat(0);
	const low = Math.min(...ends),
		high = Math.max(...ends);
	const span = high - low || 1;
	const zero = -low / span;
	const made = hasRanges
		? [
				el(
					'div.row.head',
					null,
					el('div'),
					el('div'),
					el('div'),
					el('div.faint', null, 'rounds (not adding up)'),
				),
			]
		: [];

	for (const row of rows) {
		const at = [row.from, row.from + row.ns].map((ns) => (ns - low) / span);
		const line = el('span.axis-line');
		const bar = box(Math.min(...at), Math.max(...at), row.color);

		line.style.left = `${100 * zero}%`;
		if (row.kind === 'sub' && !row.isPlain) bar.style.opacity = '.55';
		made.push(
			el(
				row.kind ? `div.row.${row.kind}` : 'div.row',
				null,
				el('div.name', null, row.name),
				el(
					row.kind === 'sub' ? 'div.track.thin' : 'div.track',
					null,
					bar,
					line,
				),
				el(
					'div.value',
					null,
					row.isSum
						? sumOf(row.ns, row.text)
						: number(row.ns, 'ns', row.text),
				),
				el('div.range.faint', null, row.range || null),
			),
		);
	}
	return el('div.bars.bill', null, made);
}

function stepColor(ns) {
	return ns > 0 ? '--more' : '--less';
}

/* Adds a line and its causes to the rows; printed causes add up to their printed line. */
function addLine(rows, line, words, from, steps, scale, color, isSigned) {
	const causes = line.causes || [];
	const parts = causes.map((cause) => cause.ns);
	let at = from;

	rows.push({
		name: causes.length === 1 ? `${line.name}: ${causes[0].name}` : words,
		ns: line.ns,
		from,
		color: color(line.ns),
		text: printSteps(scale, steps, isSigned),
		range: line.range,
	});
	if (causes.length < 2) return;
	roundParts(parts, scale.step, steps).forEach((part, i) => {
		const cause = causes[i];

		if (part)
			rows.push({
				name: cause.name,
				ns: cause.ns,
				from: at,
				kind: 'sub',
				color: cause.color || color(cause.ns),
				isPlain: Boolean(cause.color),
				isSum: cause.isSum,
				text: printSteps(scale, part, isSigned),
			});
		at += cause.ns;
	});
}

const LINE_WORDS = {
	gap: 'gap: nobody ran',
	CPU: 'CPU: all threads together',
	overlap: 'overlap: won back by running at the same time',
};

function rangeOf(line, scale) {
	return [line.min_ns, line.max_ns].flatMap((ns, i) => [
		i ? ' \u2026 ' : null,
		number(ns, 'ns', printSteps(scale, roundParts([ns], scale.step)[0], true)),
	]);
}

/* How far the lines of a bill are to be trusted; null: as they are. */
function billNote(experiment, { from, to }) {
	const sides = experiment.variants.filter(({ name }) => name === from || name === to);

	if (sides.some(({ rounds }) => rounds < 2)) return 'One run each: spread unknown.';
	return sides.find(({ name }) => name === to).measurable
		? null
		: 'The two median runs, within the noise:';
}

/* What one variant took more or less than another, line by line. */
function bill(experiment, difference, title, note) {
	const lines = difference.lines.filter((line) => line.name !== 'not recorded' || line.ns);
	const scale = scaleFor(
		Math.max(Math.abs(difference.total_ns), ...lines.map((line) => Math.abs(line.ns))),
	);
	const steps = roundParts(
		lines.map((line) => line.ns),
		scale.step,
	);
	const find = (name) => experiment.variants.find((variant) => variant.name === name);
	const hasRanges = find(difference.from).rounds > 1 && find(difference.to).rounds > 1;
	const rows = [];
	let at = 0;

	lines.forEach((line, i) => {
		addLine(
			rows,
			{ ...line, range: hasRanges ? rangeOf(line, scale) : null },
			LINE_WORDS[line.name] || line.name,
			at,
			steps[i],
			scale,
			stepColor,
			true,
		);
		at += line.ns;
	});
	rows.push({
		name: `${difference.to} ${MINUS} ${difference.from}`,
		ns: difference.total_ns,
		from: 0,
		kind: 'total',
		color: stepColor(difference.total_ns),
		text: printSteps(
			scale,
			steps.reduce((a, b) => a + b, 0),
			true,
		),
	});
	return el(
		'div.block',
		null,
		title ? el('h3', null, title) : null,
		note ? el('p.faint', null, note) : null,
		waterfall(rows, hasRanges),
	);
}

function billTitle(experiment, { from, to }) {
	const variant = experiment.variants.find(({ name }) => name === to);

	return variant.measurable && !variant.slower
		? `Why ${to} beat ${from}`
		: `Why ${to} do not beat ${from}`;
}

function gapName(gap, page) {
	const lock = gap.lock ? nameOf(page.locks, gap.lock) : 'a lock not known';

	if (gap.cause === 'hand-off') return `hand-offs of ${lock}`;
	if (gap.cause === 'cpu') return 'ready, no CPU yet';
	if (gap.cause === 'end') return 'nobody ran again';
	if (gap.state === 'futex') return `waiting for ${lock}`;
	return gap.syscall === null
		? gap.state
		: `${gap.state} in ${nameOf(page.calls, gap.syscall)}`;
}

function gapColor(gap) {
	if (gap.cause === 'cpu') return '--s-queued';
	if (gap.cause === 'hand-off') return '--s-lock';
	return { futex: '--s-futex', io: '--s-io', kernel: '--s-kernel' }[gap.state] || '--s-sleep';
}

/* The largest causes, and the rest in one; they add up to the gap. */
function gapCauses(report) {
	const causes = report.gaps.slice(0, GAPS_NAMED).map((gap) => ({
		name: gapName(gap, report.page),
		ns: gap.ns,
		color: gapColor(gap),
	}));
	const rest = report.gap_ns - causes.reduce((sum, cause) => sum + cause.ns, 0);

	return rest
		? [...causes, { name: 'other', ns: rest, color: '--s-sleep', isSum: true }]
		: causes;
}

/* Where the wall went: gap + CPU − overlap = wall. */
function wallBill(report) {
	const colors = { gap: '--s-stopped', CPU: '--s-running', overlap: '--less' };
	const lines = [
		{
			name: 'gap',
			ns: report.gap_ns,
			words: 'gap: nobody ran',
			causes: gapCauses(report),
		},
		{ name: 'CPU', ns: report.cpu_ns, words: 'CPU: all threads' },
		{
			name: 'overlap',
			ns: -report.overlap_ns,
			words: 'overlap: running at the same time',
		},
	];
	const lost = report.capacity.not_recorded_ns,
		rows = [];
	let at = 0;

	if (!isMeasured(report.cpu_ns))
		return el('p.faint', null, 'not measured: no slices were recorded');
	if (lost) lines.push({ name: 'lost', ns: lost, words: 'not recorded' });
	const scale = scaleFor(Math.max(report.wall_ns, report.cpu_ns));
	const steps = roundParts(
		lines.map((line) => line.ns),
		scale.step,
	);

	lines.forEach((line, i) => {
		const causes = line.causes && line.causes.length === 1 ? [] : line.causes;

		addLine(
			rows,
			{ ...line, causes },
			line.words,
			at,
			steps[i],
			scale,
			() => colors[line.name] || '--s-hole',
			false,
		);
		at += line.ns;
	});
	rows.push({
		name: 'wall time',
		ns: report.wall_ns,
		from: 0,
		kind: 'total',
		color: '--faint',
		text: printSteps(
			scale,
			steps.reduce((a, b) => a + b, 0),
		),
	});
	return waterfall(rows, false);
}

/* The parts of the capacity: [color, name, ns]; they add up to its total. */
function capacityParts(report) {
	const { capacity, page } = report;
	const locks = [...capacity.locks].sort((a, b) => b.lost_ns - a.lost_ns || a.lock - b.lock);
	const named = locks.slice(0, LOCKS_NAMED);
	const rest = named.reduce(
		(left, row) => left - row.lost_ns,
		capacity.total_ns -
			capacity.running_ns -
			capacity.cpu_wait_ns -
			capacity.not_asked_ns,
	);

	return [
		['--s-running', 'running', capacity.running_ns],
		...named.map((row) => [
			'--s-lock',
			`waiting for ${nameOf(page.locks, row.lock)}`,
			row.lost_ns,
		]),
		['--s-lock', OTHER_LOCKS, rest],
		['--s-queued', 'waiting for a CPU', capacity.cpu_wait_ns],
		['--s-sleep', 'not asked for', capacity.not_asked_ns],
	].filter(([, name, ns]) => ns > 0 || name === 'running');
}

function capacity(report, name) {
	const { cpus, total_ns } = report.capacity;
	let at = 0;

	if (!isMeasured(total_ns))
		return el('p.faint', null, 'not measured: no slices were recorded');
	const parts = capacityParts(report),
		percent = shares(parts.map(([, , ns]) => ns));
	const boxes = parts.map(([color, words, ns], i) => {
		const from = at;

		at += ns;
		const made = box(from / total_ns, at / total_ns, color, `${words}: ${percent[i]}`);

		made.style.borderRight = i + 1 < parts.length ? '1px solid var(--page)' : '';
		return made;
	});

	return el(
		'div.block',
		null,
		name ? el('h3', null, name) : null,
		el('div.track', null, boxes),
		legend(
			parts.map(([color, words, ns], i) => [
				color,
				`${words} `,
				el('b', null, percent[i]),
				' ',
				words === OTHER_LOCKS ? sumOf(ns) : number(ns, 'ns'),
			]),
		),
		el(
			'p.faint',
			null,
			'100 % = ',
			number(total_ns, 'ns'),
			': ',
			number(cpus, 'count'),
			` usable CPU${cpus === 1 ? '' : 's'} over `,
			number(report.covered_ns, 'ns'),
		),
	);
}
