/* SPDX-License-Identifier: GPL-2.0-only */
/* Two traces or countdowns side by side: what came out, the bill between them, what changed. */

const DIFFERENCE_HELP =
	'What B has more (to the right) or less (to the left) than A. The lines add up to the ' +
	'difference of the two. ';
const CHANGES = {
	locks: {
		file: 'locks.csv',
		none: 'No thread waited in a futex.',
		heads: ['waited for', 'lost A', 'lost B'],
		ns: 'wait_ns',
		lost: 'lost_ns',
		range: ['wait_min_ns', 'wait_max_ns'],
		isRangeOf: 'ns',
		help:
			'Matched by kind and name; locks on the heap by the function that ' +
			'waits for them. lost: CPU time that could have run meanwhile.',
	},
	threads: {
		file: 'threads.csv',
		none: 'No thread lived in this time.',
		heads: ['thread: running', 'held up A', 'held up B'],
		ns: 'running_ns',
		lost: 'held_up_ns',
		range: ['held_up_min_ns', 'held_up_max_ns'],
		isRangeOf: 'lost',
		help:
			'Matched by name and order of birth. held up: ready without a CPU, or ' +
			'waiting for a lock.',
	},
};
const ROUNDS_HELP =
	' Numbers are of the two median runs, the ranges under them of all rounds; better or ' +
	'worse is what is more than noise. Idle waits are not judged.';
const VERDICTS = { none: 'no measurable difference', better: 'better', worse: 'worse' };

/* A number of one side, and the range over its rounds where there are several. */
function sideCell(side, key, range) {
	if (!side) return el('td.num', null, NONE);
	return el(
		'td.num',
		null,
		number(side[key], 'ns'),
		range
			? el(
					'span.under',
					null,
					number(side[range[0]], 'ns'),
					' \u2026 ',
					number(side[range[1]], 'ns'),
				)
			: null,
	);
}

function differenceOf(row, key) {
	if (!row.before) return 'new';
	if (!row.after) return 'gone';
	const ns = row.after[key] - row.before[key];

	return sumOf(ns, ns > 0 ? `+${formatTime(ns)}` : formatTime(ns));
}

/* A above B, on one scale for the whole table. */
function pairBars(row, key, most) {
	const bar = (side, color) =>
		el('div.track.hair', null, side ? box(0, side[key] / most, color) : null);

	return el('div.pair', null, bar(row.before, '--faint'), bar(row.after, '--accent'));
}

function kindOf(row) {
	const counts = [row.before, row.after].map((side) => (side ? side.locks : 0));
	const several =
		Math.max(...counts) > 1 ? `; ${counts[0]} locks in A, ${counts[1]} in B` : '';

	return el(
		'span.under',
		null,
		swatch(`--s-${row.state}`),
		`${row.state}: ${row.kind}${several}`,
	);
}

/* Idle waits are not judged, nor is anything where the work was not the same. */
function judged(verdict) {
	return VERDICTS[verdict] ? el(`span.under.${verdict}`, null, VERDICTS[verdict]) : null;
}

function changeRow(row, what, most, hasRounds) {
	const range = (key) => (hasRounds && what.isRangeOf === key ? what.range : null);

	return el(
		'tr',
		null,
		el('td', null, row.name, row.kind ? kindOf(row) : null),
		el(
			'td',
			null,
			pairBars(row, what.ns, most),
			hasRounds ? judged(row.verdict) : null,
		),
		sideCell(row.before, what.ns, range('ns')),
		sideCell(row.after, what.ns, range('ns')),
		el('td.num', null, differenceOf(row, what.ns)),
		sideCell(row.before, what.lost, range('lost')),
		sideCell(row.after, what.lost, range('lost')),
	);
}

/* The table of changed locks or threads. */
function changes(comparison, kind) {
	const what = CHANGES[kind],
		rows = comparison[kind];
	const hasRounds = comparison.variants.every((variant) => variant.rounds > 1);
	const [name, lostA, lostB] = what.heads;
	const heads = [
		[name],
		['A above B'],
		['A', 'num'],
		['B', 'num'],
		[`B ${MINUS} A`, 'num'],
		[lostA, 'num'],
		[lostB, 'num'],
	];
	const most = Math.max(
		1,
		...rows
			.flatMap((row) => [row.before, row.after])
			.map((side) => (side ? side[what.ns] : 0)),
	);

	if (!rows.length) return [el('p.faint', null, what.none)];
	return [
		table(
			heads,
			rows.map((row) => changeRow(row, what, most, hasRounds)),
		),
		el('p.faint', null, what.help + (hasRounds ? ROUNDS_HELP : '')),
		leftOut(comparison.page.left_out[kind], what.file),
	];
}

function isOtherWork(comparison) {
	return comparison.findings.some(({ id }) => id === 'other-work');
}

function outcome(comparison) {
	const [before, after] = comparison.variants;

	return isOtherWork(comparison) ? 'not the same work' : verdict(after, before);
}

/* All variants of two countdowns at a glance. */
function overview(comparisons) {
	const row = (comparison) =>
		el(
			'tr',
			null,
			el('td', null, comparison.title),
			comparison.variants.map((variant) =>
				el('td.num', null, number(variant.wall_ns.median, 'ns')),
			),
			el('td', null, outcome(comparison)),
		);

	return section(
		'In short',
		table(
			[['variant'], ['A, median', 'num'], ['B, median', 'num'], ['B against A']],
			comparisons.map(row),
		),
	);
}

function compareTitle(compare) {
	const side = (name, { path, is, only }) => [
		el('li.break', null, el('b', null, name), ` ${path}: ${is}`),
		only.length ? el('li.break', null, `only in ${name}: ${only.join(', ')}`) : null,
	];

	const paths = [compare.before.path, compare.after.path];

	document.title = `convoy compare: ${paths.join(', ')}`.slice(0, 120);
	return el(
		'header',
		null,
		el('h1', null, el('b', null, 'convoy compare')),
		el('ul.sides.faint', null, side('A', compare.before), side('B', compare.after)),
	);
}

function renderComparison(comparison, hasTitle) {
	const { variants, bills, page } = comparison;

	return [
		hasTitle
			? el('header.part', null, el('h1.break', null, comparison.title))
			: null,
		...findings(comparison, () => variants[1].representative.page),
		section(
			'A and B, side by side',
			barsOf(variants, (variant) =>
				variant.baseline ? outcome(comparison) : null,
			),
			...barsLegend(variants),
		),
		section(
			'Why: the bill',
			el('p.faint', null, DIFFERENCE_HELP + LINES_HELP),
			...bills.map((difference) =>
				bill(
					comparison,
					difference,
					null,
					isOtherWork(comparison)
						? 'Not the same work: the two median runs.'
						: billNote(comparison, difference),
				),
			),
		),
		section(
			'Where the CPUs went',
			...variants.map(({ representative: run, name }) => capacity(run, name)),
		),
		section('What changed: locks and other futexes', ...changes(comparison, 'locks')),
		section('What changed: threads', ...changes(comparison, 'threads')),
		section('Look closer', tabs(variants, 1)),
	];
}

function renderCompare(compare) {
	const { comparisons } = compare;
	const hasTitles = comparisons.some(({ title }) => title !== '');

	return [
		compareTitle(compare),
		hasTitles ? overview(comparisons) : null,
		...comparisons.flatMap((comparison) => renderComparison(comparison, hasTitles)),
		trust(compare.trust),
	];
}
