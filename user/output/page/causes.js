/* SPDX-License-Identifier: GPL-2.0-only */
/* What the end of a run had to wait for, and what its wall time would be without a lock. */

const PATH_HELP =
	'The critical path, backwards from the end; its parts add up to the wall time. ' +
	'wanted meanwhile: a lock that the thread had, and that the rest of the path waited for.';
const PARTS_SHOWN = 10;
const LOST_LEAST = 0.02; /* of the capacity: below it nobody asks what a lock cost */

const WHY_NOT = {
	off: 'the model does not give what was measured',
	'slices lost': 'too much was not recorded',
	'too long': 'too many slices; observe for a shorter time',
	failed: 'no room for a temporary file, or slices that contradict each other',
};

/* Names of locks without what stands in brackets: that is in their table. */
function shortLock(page, lock) {
	return nameOf(page.locks, lock).replace(/ \(.*/, '');
}

/* All GILs and what belongs to them go by the name of one. */
function removedLocks(page, row) {
	const name = shortLock(page, row.lock);

	const isGroup = row.lock && row.locks > 1 && !name.startsWith('GIL');

	return isGroup ? `${row.locks} × ${name}` : name;
}

function predictionRow(name, ns, most, color, note) {
	return el(
		'div.row',
		null,
		el('div.name', null, name),
		el('div.track.thin', null, box(0, ns / most, color)),
		el('div.value', null, el('b', null, number(ns, 'ns')), `, ${note}`),
	);
}

/* Bars of what was measured and of what is predicted; null where there is nothing to ask. */
function whatIf(report, name) {
	const { what_if: answer, page, wall_ns: wall, capacity: whole } = report;
	const locksLost = whole.locks.reduce((lost, row) => lost + row.lost_ns, 0);

	if (!answer || !isMeasured(whole.total_ns) || locksLost < LOST_LEAST * whole.total_ns)
		return null;
	const title = name ? el('h3', null, name) : null;

	if (!answer.without.length) {
		const reason = `no prediction: ${WHY_NOT[answer.model]}`;

		return WHY_NOT[answer.model]
			? el('div', null, title, el('p.faint', null, reason))
			: null;
	}
	const most = Math.max(wall, ...answer.without.map((row) => row.wall_ns));
	const rows = answer.without.map((row) =>
		predictionRow(
			`without ${removedLocks(page, row)}`,
			row.wall_ns,
			most,
			'--less',
			'predicted',
		),
	);
	const error = `${(answer.error_permille / 10).toFixed(1)} %`;

	return el(
		'div.block',
		null,
		title,
		el(
			'div.bars.variants',
			null,
			predictionRow('as it was', wall, most, '--faint', 'measured'),
			rows,
		),
		el(
			'p.faint',
			null,
			'A replay in which the lock never blocks. With nothing removed ',
			'it is off by ',
			number(answer.error_permille, 'permille', error),
			'.',
		),
	);
}

function partName(part, page) {
	const held = part.held_lock ? `, wanted meanwhile: ${shortLock(page, part.held_lock)}` : '';
	const call = part.syscall === null ? '' : ` in ${nameOf(page.calls, part.syscall)}`;

	if (part.lock) return `waiting for ${shortLock(page, part.lock)}`;
	if (part.state === 'unknown') return `not recorded${held}`;
	if (part.state === 'queued' || part.state === 'preempted')
		return `${part.state}: waiting for a CPU${held}`;
	return `${part.state}${call}${held}`;
}

/* The critical path: backwards from the end through whatever it had to wait for. */
function criticalPath(report) {
	const { critical_path: path, page, wall_ns: wall } = report;

	if (!path || !path.parts.length) return null;
	const shown = path.parts.slice(0, PARTS_SHOWN);
	const rest = shown.reduce((left, part) => left - part.ns, wall);
	const percent = shares([...shown.map((part) => part.ns), Math.max(0, rest)]);
	const row = (who, doing, color, ns, share, printed) =>
		el(
			'tr',
			null,
			el('td', null, who),
			el('td', null, doing),
			el('td', null, el('div.track.thin.wide', null, box(0, ns / wall, color))),
			el('td.num', null, printed),
			el('td.num', null, share),
		);
	const rows = shown.map((part, i) =>
		row(
			part.thread === null ? NONE : nameOf(page.threads, part.thread),
			partName(part, page),
			`--s-${part.state}`,
			part.ns,
			percent[i],
			number(part.ns, 'ns'),
		),
	);

	if (rest > 0)
		rows.push(
			row(
				'',
				'the rest, in smaller parts',
				'--line',
				rest,
				percent[shown.length],
				sumOf(rest),
			),
		);
	return section(
		'What the end had to wait for',
		el(
			'p.faint',
			null,
			PATH_HELP,
		),
		table([['thread'], ['was'], ['', 'keep'], ['time', 'num'], ['share', 'num']], rows),
	);
}
