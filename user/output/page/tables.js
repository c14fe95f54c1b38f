/* SPDX-License-Identifier: GPL-2.0-only */
/* Tables: locks with their distribution, who waited for whom, threads. */

const THREAD_COLUMNS = [
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
];
const COUNT_COLUMNS = [
	['voluntary_switches', 'voluntary switches'],
	['involuntary_switches', 'involuntary'],
	['yields', 'yields'],
	['migrations', 'migrations'],
];
const HOLDER_COLUMNS = [
	['running', '--s-running'],
	['ready', '--s-queued'],
	['blocked', '--s-kernel'],
	['unknown', '--s-sleep'],
];
const EDGES_HELP =
	'exact: the memory of the lock names its holder; ' +
	'likely: told from who took it and let it go.';
const SVG = 'http://www.w3.org/2000/svg';

function svg(tag, attributes, ...children) {
	const element = document.createElementNS(SVG, tag);

	for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
	element.append(...children);
	return element;
}

function table(heads, rows) {
	const head = heads.map(([name, kind]) =>
		el(`th${kind ? '.' + kind : ''}`, { scope: 'col' }, name),
	);

	return el(
		'div.scroll',
		null,
		el('table', null, el('thead', null, el('tr', null, head)), el('tbody', null, rows)),
	);
}

function leftOut(count, file) {
	return count
		? el('p.faint', null, `and ${formatCount(count)} more, smaller: all are in ${file}`)
		: null;
}

/* How long episodes were: bars by the power of two of their length. */
function spark(counts, wide, color) {
	const used = counts.map((count, i) => i).filter((i) => counts[i] > 0);
	const first = used[0],
		bins = used[used.length - 1] - first + 1;
	const most = Math.max(...counts),
		width = Math.max(4, Math.min(12, wide / bins));
	const name = (i) => formatTime(2 ** i);
	const range = `${name(first)} \u2026 ${name(used[used.length - 1] + 1)}`;
	const bars = used.map((i) => {
		const height = Math.max(1, (26 * counts[i]) / most);

		return svg(
			'rect',
			{ x: (i - first) * width, y: 27 - height, width: width - 1, height },
			svg('title', {}, `${name(i)} to ${name(i + 1)}: ${formatCount(counts[i])}`),
		);
	});
	bars.forEach((bar) => {
		bar.style.fill = `var(${color})`;
	});
	const picture = svg(
		'svg',
		{
			class: 'spark',
			width: bins * width,
			height: 28,
			role: 'img',
			'aria-label': `episodes from ${range}`,
		},
		...bars,
		svg('line', { x1: 0, x2: bins * width, y1: 27.5, y2: 27.5 }),
	);

	return [picture, el('span.under', null, range)];
}

/* Parts of a whole as a thin bar. */
function partBar(parts, whole) {
	let at = 0;

	return el(
		'div.track.thin',
		null,
		whole > 0
			? parts.map(([name, color, ns]) => {
					const from = at;

					at += ns;
					return ns > 0
						? box(
								from / whole,
								at / whole,
								color,
								`${name}: ${formatTime(ns)}`,
							)
						: null;
				})
			: null,
	);
}

function lockRow(row, page) {
	const counts = page.histograms[row.lock];
	const color = `--s-${row.state}`;
	const time = (value) => el('td.num', null, number(value, 'ns'));
	const count = (value) => el('td.num', null, number(value, 'count'));
	const holders = HOLDER_COLUMNS.map(([name, color]) => [
		`holder ${name}`,
		color,
		row[`holder_${name}_ns`],
	]);
	/* Nobody holds a condition, or a thread that is joined. */
	const isHeld = row.state === 'lock' || row.holder_unknown_ns < row.wait_ns;

	return el(
		'tr',
		null,
		el(
			'td',
			null,
			nameOf(page.locks, row.lock),
			el(
				'span.under',
				null,
				swatch(color),
				`${row.state}: ${row.kind}; ${row.evidence}`,
			),
		),
		time(row.lost_ns),
		time(row.wait_ns),
		count(row.episodes),
		el('td', null, counts ? spark(counts, 140, color) : NONE),
		time(row.p50_ns),
		time(row.p99_ns),
		count(row.waits),
		time(row.max_ns),
		count(row.waiters),
		count(row.timeouts),
		count(row.handoffs),
		el('td', null, isHeld ? partBar(holders, row.wait_ns) : NONE),
	);
}

function locks(report) {
	const { page } = report;
	const heads = [
		['waited for'],
		['lost', 'num'],
		['waited', 'num'],
		['episodes', 'num'],
		['how long they were', 'keep'],
		['median', 'num'],
		['99 %', 'num'],
		['waits', 'num'],
		['longest', 'num'],
		['waiters', 'num'],
		['timed out', 'num'],
		['hand-offs', 'num'],
		['the holder was'],
	];

	if (!report.locks.length) return [el('p.faint', null, 'No thread waited in a futex.')];
	const cost = (row) => row.lost_ns || 0;
	const sorted = [...report.locks].sort(
		(a, b) => cost(b) - cost(a) || b.wait_ns - a.wait_ns || a.lock - b.lock,
	);

	return [
		table(
			heads,
			sorted.map((row) => lockRow(row, page)),
		),
		legend(HOLDER_COLUMNS.map(([name, color]) => [color, `holder ${name}`])),
		el(
			'p.faint',
			null,
			'lost: CPU time that could have run meanwhile. An episode is a wait ' +
				'with its retries; waits and the longest count each retry by ' +
				'itself.',
		),
		leftOut(page.left_out.locks, 'locks.csv'),
	];
}

function edges(report) {
	const { page } = report;
	const known = report.edges
		.filter((edge) => edge.holder !== null)
		.sort(
			(a, b) =>
				b.wait_ns - a.wait_ns || a.waiter - b.waiter || a.holder - b.holder,
		);
	const heads = [
		['waited'],
		['for'],
		['time', 'num'],
		['episodes', 'num'],
		['holder is'],
		['who had'],
	];

	if (!known.length) return null;
	return el(
		'div',
		null,
		el('h3', null, 'Who waited for whom'),
		table(
			heads,
			known.map((edge) =>
				el(
					'tr',
					null,
					el('td', null, nameOf(page.threads, edge.waiter)),
					el('td', null, nameOf(page.threads, edge.holder)),
					el('td.num', null, number(edge.wait_ns, 'ns')),
					el('td.num', null, number(edge.episodes, 'count')),
					el('td', null, edge.mark),
					el('td', null, nameOf(page.locks, edge.lock)),
				),
			),
		),
		el('p.faint', null, EDGES_HELP),
		leftOut(page.left_out.edges, 'edges.csv'),
	);
}

function threadRow(row, page, columns, counts) {
	const parts = THREAD_COLUMNS.map((name) => [name, `--s-${name}`, row[`${name}_ns`]]);
	const who =
		row.pid === null
			? 'for which there was no room'
			: `PID ${row.pid}${row.tid === row.pid ? '' : `, TID ${row.tid}`}`;

	return el(
		'tr',
		null,
		el('td', null, nameOf(page.threads, row.thread), el('span.under', null, who)),
		el('td', null, partBar(parts, row.lifetime_ns)),
		el('td.num', null, number(row.lifetime_ns, 'ns')),
		columns.map((name) => el('td.num', null, number(row[`${name}_ns`], 'ns'))),
		counts.map(([key]) => el('td.num', null, number(row[key], 'count'))),
	);
}

function threads(report) {
	const { page } = report;
	const columns = THREAD_COLUMNS.filter((name) =>
		report.threads.some((row) => row[`${name}_ns`] > 0),
	);
	const counts = COUNT_COLUMNS.filter(([key]) =>
		report.threads.some((row) => row[key] !== null),
	);
	const heads = [
		['thread'],
		['its life'],
		['lived', 'num'],
		...columns.map((name) => [name, 'num']),
		...counts.map(([, name]) => [name, 'num']),
	];

	return [
		table(
			heads,
			report.threads.map((row) => threadRow(row, page, columns, counts)),
		),
		stateLegend(columns),
		leftOut(page.left_out.threads, 'threads.csv'),
	];
}
