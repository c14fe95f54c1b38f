/* SPDX-License-Identifier: GPL-2.0-only */
/* The page, from top to bottom: what was found, then what it rests on. */

const viewers = new Set();
const FINDINGS_OPEN = 3;
const KEPT_HELP =
	'The slices of this run were not kept. Measured with -o DIR, they are shown by ' +
	'"convoy report DIR --format html".';
const LINES_HELP =
	'Wall time is the time in which nobody ran (gap), plus the CPU time of all threads, less ' +
	'what they won back by running at the same time (overlap).';
const BILL_HELP =
	'What a variant has more (to the right) or less (to the left) than its baseline. ' +
	'The lines add up to the difference of the two median runs. ' +
	LINES_HELP;

function facts(items) {
	return el(
		'ul.facts.faint',
		null,
		items.filter((item) => item !== null).map((item) => el('li', null, item)),
	);
}

/* What the timeline had to leave out, if anything. */
function timelineNotes(packed) {
	const notes = [];

	if (packed.merged)
		notes.push(
			`Too many slices for one page: ${formatCount(packed.merged)} of ` +
				`${formatCount(packed.slices)} were shorter than ` +
				`${formatTime(packed.merge_below_ns)} and are drawn together, ` +
				'by their shares.',
		);
	if (packed.other_threads)
		notes.push(
			`${formatCount(packed.other_threads)} threads that asked little of the ` +
				'CPUs share one row.',
		);
	if (packed.unnamed)
		notes.push(
			`${formatCount(packed.unnamed)} slices are drawn with their state alone.`,
		);
	return notes.map((note) => el('p.faint', null, note));
}

function timeline(report, label) {
	const packed = report.page.timeline;

	if (!packed) return [el('p.faint', null, KEPT_HELP)];
	if (!packed.tracks.length || !report.wall_ns)
		return [el('p.faint', null, 'no thread lived in this time')];
	const viewer = new Viewer(new Timeline(packed, report.page, report.wall_ns), label);

	viewers.add(viewer);
	viewer.refresh();
	return [...timelineNotes(packed), viewer.element];
}

function predictions(reports) {
	const found = reports
		.map(([report, name]) => whatIf(report, name))
		.filter((answer) => answer !== null);

	return found.length ? section('What if', ...found) : null;
}

/* Everything that belongs to one run; made when it is first shown. */
function details(report, label) {
	return el(
		'div',
		null,
		section('Timeline', ...timeline(report, label)),
		criticalPath(report),
		section('Locks and other futexes', ...locks(report), edges(report)),
		section('Threads', ...threads(report)),
	);
}

function runName(variant) {
	return variant.representative_round
		? `${variant.name}: round ${variant.representative_round}, the median run`
		: `${variant.name}: its one run`;
}

function tabs(variants, first) {
	const list = el('div.tabs', { role: 'tablist', 'aria-label': 'variant' });
	const panels = variants.map(() => null);
	const place = el('div', { role: 'tabpanel' });
	const buttons = variants.map((variant, i) => {
		const button = el('button', { type: 'button', role: 'tab' }, variant.name);

		button.addEventListener('click', () => show(i));
		button.addEventListener('keydown', (event) => {
			const to = i + { ArrowLeft: -1, ArrowRight: 1 }[event.key];

			if (buttons[to]) {
				show(to);
				buttons[to].focus();
			}
		});
		return button;
	});

	function show(chosen) {
		const variant = variants[chosen];

		panels[chosen] =
			panels[chosen] ||
			el(
				'div',
				null,
				el(
					'p.faint',
					null,
					`${runName(variant)}; times count from its begin`,
				),
				details(variant.representative, `timeline of ${variant.name}`),
			);
		buttons.forEach((button, i) => {
			button.setAttribute('aria-selected', i === chosen);
			button.tabIndex = i === chosen ? 0 : -1;
		});
		place.replaceChildren(panels[chosen]);
	}

	list.append(...buttons);
	show(first);
	return el('div', null, list, place);
}

function trust(lines) {
	return section('Trust', el('p.break', null, `${lines.join('; ')}.`));
}

function plural(count, word) {
	return `${formatCount(count)} ${word}${count === 1 ? '' : 's'}`;
}

function reportTitle(report) {
	const what = report.command.join(' ') || 'attached processes';

	document.title = `convoy ${report.kind}: ${what}`.slice(0, 120);
	return el(
		'header',
		null,
		el('h1.break', null, el('b', null, `convoy ${report.kind}`), ` ${what}`),
		facts([
			el('span', null, 'wall ', number(report.wall_ns, 'ns')),
			/* From the totals, which are exact where slices were lost. */
			el('span', null, 'CPU ', number(report.run_ns, 'ns')),
			plural(report.capacity.cpus || report.page.cpus_online, 'CPU'),
			plural(report.threads.length + report.page.left_out.threads, 'thread'),
			report.exit_status === null
				? null
				: report.exit_status > 128
					? `ended by signal ${report.exit_status - 128}`
					: `exit status ${report.exit_status}`,
			report.mode === 'lean' ? 'lean' : null,
		]),
	);
}

/* The most important ones; the others on demand. */
function findings(holder, pageOf) {
	const all = holder.findings.map((found, i) =>
		finding(found, holder.page.units[i], pageOf(found), i === 0),
	);
	const more = all.slice(FINDINGS_OPEN);

	if (!more.length) return [...all, glossary(all)];
	return [
		...all.slice(0, FINDINGS_OPEN),
		glossary(all),
		el('details', null, el('summary', null, plural(more.length, 'more finding')), more),
	];
}

function renderReport(report) {
	const { page } = report;
	const levels = levelsOf(report);

	return [
		reportTitle(report),
		...findings(report, () => page),
		isMeasured(report.cpu_ns)
			? section(
					'How many threads ran at a time',
					el('div.track', null, levelBoxes(levels, report.wall_ns)),
					levelLegend(levels, true),
				)
			: null,
		section(
			'Where the time went',
			el('p.faint', null, LINES_HELP),
			wallBill(report),
		),
		section('Where the CPUs went', capacity(report, null)),
		predictions([[report, null]]),
		details(report, 'timeline'),
		trust(page.trust),
	];
}

function experimentTitle(experiment) {
	const name = experiment.interpreter || experiment.python;
	const times =
		experiment.workers === 1
			? 'once'
			: experiment.workers === 2
				? 'twice'
				: `${formatCount(experiment.workers)} times`;
	const {
		capacity: { cpus },
	} = experiment.variants[0].representative;

	return el(
		'header',
		null,
		el('h1.break', null, el('b', null, 'convoy countdown'), ` ${name}`),
		facts([
			`count ${formatCount(experiment.count)} ${times}`,
			plural(cpus, 'CPU'),
			experiment.rounds === 1
				? 'one round: spread unknown'
				: `${plural(experiment.rounds, 'round')}, order rotated`,
		]),
	);
}

function renderExperiment(experiment) {
	const { variants, bills, page } = experiment;
	const pageOf = (found) => {
		const variant = variants.find(({ name }) => name === found.variant) || variants[0];

		return variant.representative.page;
	};
	const main = bills.length ? variants.findIndex(({ name }) => name === bills[0].to) : 0;

	return [
		experimentTitle(experiment),
		...findings(experiment, pageOf),
		variantBars(experiment),
		bills.length
			? section(
					'Why: the bill',
					el('p.faint', null, BILL_HELP),
					...bills.map((difference) =>
						bill(
							experiment,
							difference,
							billTitle(experiment, difference),
							billNote(experiment, difference),
						),
					),
				)
			: null,
		section(
			'Where the CPUs went',
			...variants.map((variant) =>
				capacity(variant.representative, variant.name),
			),
		),
		predictions(variants.map((variant) => [variant.representative, variant.name])),
		section('Look closer', tabs(variants, Math.max(0, main))),
		trust(page.trust),
	];
}

function recolor() {
	for (const viewer of viewers) {
		viewer.painter.recolor();
		viewer.draw();
	}
}

function onPaper(isOn) {
	document.documentElement.classList.toggle('paper', isOn);
	if (isOn)
		document.querySelectorAll('details').forEach((part) => {
			part.open = true;
		});
	recolor();
}

function start() {
	const data = JSON.parse(document.getElementById('data').textContent);
	const main = document.getElementById('main');
	const parts = data.report
		? renderReport(data.report)
		: data.compare
			? renderCompare(data.compare)
			: data.experiments
					.filter((experiment) => experiment.variants.length)
					.flatMap(renderExperiment);

	document.title = document.title === 'convoy' ? 'convoy countdown' : document.title;
	main.append(
		...parts.filter((part) => part !== null),
		el('footer.faint', null, `convoy ${data.convoy}`),
	);
	main.removeAttribute('aria-busy');
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolor);
	addEventListener('beforeprint', () => onPaper(true));
	addEventListener('afterprint', () => onPaper(false));
}

start();
