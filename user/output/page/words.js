/* SPDX-License-Identifier: GPL-2.0-only */
/* What the words of a report mean, for a reader who sees one for the first time. */

/* The states of a thread, as a legend calls them. */
const STATE_HELP = {
	preempted: 'its CPU was taken away',
	queued: 'woken, waits for a CPU',
	lock: 'waits for one',
	condition: 'waits for work or news',
	join: 'waits for a thread to end',
	futex: 'waits, for what is not known',
	io: 'waits for a device',
	kernel: 'waits inside the kernel',
	sleep: 'waits for time or input',
	unknown: 'before it was seen',
};

/* Words of findings and of their numbers that not everybody knows. */
const TERMS = [
	[
		/\bGIL\b/,
		'GIL: the global interpreter lock of Python. A thread runs Python code only ' +
			'while it has it, so two never do at the same time.',
	],
	[
		/\bswitch interval\b/,
		'Switch interval: how long CPython lets a thread keep the GIL when another asks.',
	],
	[/\bepisodes?\b/, 'Episode: a wait, with its retries.'],
	[/\bhand(-off|ing over)/i, 'Hand-off: a lock passing from one thread to the next.'],
	[/\bbaseline\b/, 'Baseline: what it is held against.'],
	[/\blost\b/, 'Lost: CPU time that threads asked for and did not get.'],
];

function stateWords(name) {
	return STATE_HELP[name] ? [name, el('span.faint', null, `: ${STATE_HELP[name]}`)] : [name];
}

function stateLegend(names) {
	return legend(names.map((name) => [`--s-${name}`, ...stateWords(name)]));
}

/* The terms that are in these elements. */
function glossary(elements) {
	const text = elements.map((element) => element.textContent).join(' ');
	const known = TERMS.filter(([word]) => word.test(text)).map(([, meaning]) => meaning);

	return known.length ? el('p.faint.terms', null, known.join(' ')) : null;
}

/* A sentence in which options, and numbers with their unit, stay in one line. */
function prose(text) {
	return text
		.split(/(--[\w-]+|\d[\d.,]* (?:%|\u00d7|ns|\u00b5s|ms|s)(?!\w))/)
		.map((part, i) => (i % 2 ? el('span.one', null, part) : part));
}
