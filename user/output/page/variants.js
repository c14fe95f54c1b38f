/* SPDX-License-Identifier: GPL-2.0-only */
/* The variants of a countdown side by side, each family on a scale of its own. */

const BARS_HELP = 'Wall time of the median run, divided by how many threads ran at a time.';
const DOTS_HELP = 'Dots: every round; the line: from the fastest to the slowest.';

/* Of one run each nothing is known but their ratio. */
function verdict(variant, baseline) {
	const own = variant.wall_ns.median,
		other = baseline ? baseline.wall_ns.median : 0;

	if (!variant.baseline) return 'the baseline';
	if (baseline && (variant.rounds < 2 || baseline.rounds < 2))
		return `${formatRatio(own, other)} as long as ${baseline.name}`;
	if (!variant.measurable || !baseline) return 'no measurable difference';
	return variant.slower
		? `${formatRatio(own, other)} slower`
		: `${formatRatio(other, own)} faster`;
}

/* The wall of a variant, divided by how many ran; its runs as dots, min and max as a whisker.
 * said: how it came out. */
function variantBar(variant, most, said) {
	const wall = variant.wall_ns;
	const track = el('div.track', null, levelBoxes(levelsOf(variant.representative), most));
	const range =
		variant.rounds < 2
			? ['one run: spread unknown']
			: [number(wall.min, 'ns'), ' \u2026 ', number(wall.max, 'ns')];

	if (variant.rounds > 1) {
		const whisker = el('span.whisker');

		whisker.style.left = `${(100 * wall.min) / most}%`;
		whisker.style.width = `${(100 * (wall.max - wall.min)) / most}%`;
		track.append(whisker);
	}
	for (const run of variant.rounds > 1 ? variant.runs : []) {
		const dot = el('span.dot', {
			title: `round ${run.round}: ${formatTime(run.wall_ns)}`,
		});

		dot.style.left = `${(100 * run.wall_ns) / most}%`;
		track.append(dot);
	}
	return el(
		'div.row',
		null,
		el('div.name', null, variant.name),
		track,
		el(
			'div.value',
			null,
			el('b', null, number(wall.median, 'ns')),
			said ? `, ${said}` : null,
			el('div.faint', null, range),
		),
	);
}

/* Bars on one scale. */
function barsOf(variants, say) {
	const most = Math.max(1, ...variants.map((variant) => variant.wall_ns.max));

	return el(
		'div.bars.variants.block',
		null,
		variants.map((variant) => variantBar(variant, most, say(variant))),
	);
}

/* A baseline and what is measured against it. */
function family(experiment, baseline) {
	const rows = experiment.variants.filter(
		(variant) => (variant.baseline || variant.name) === baseline,
	);
	const first = rows.find((variant) => variant.name === baseline);

	return barsOf(rows, (variant) => verdict(variant, first));
}

/* What the colours of the bars and their dots mean. */
function barsLegend(variants) {
	const levels = new Map(
		variants
			.flatMap((variant) => levelsOf(variant.representative))
			.map((level) => [level[0], level]),
	);

	return [
		levelLegend(
			[...levels.values()].sort((a, b) => (a[0] < b[0] ? -1 : 1)),
			false,
		),
		el(
			'p.faint',
			null,
			variants.some((variant) => variant.rounds > 1)
				? `${BARS_HELP} ${DOTS_HELP}`
				: BARS_HELP,
		),
	];
}

function variantBars(experiment) {
	const { variants } = experiment;
	const baselines = new Set(variants.map((variant) => variant.baseline || variant.name));
	const skipped = experiment.skipped.map((row) =>
		el('p.faint', null, `not run: ${row.name} (${row.why})`),
	);

	return section(
		'The same work, side by side',
		...[...baselines].map((baseline) => family(experiment, baseline)),
		...barsLegend(variants),
		...skipped,
	);
}
