/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers for people and elements for the page. All text becomes text nodes: names from outside
 * are never read as markup. */

/* An element: el('td.num', {title: 'x'}, child, 'text' …). Children may be null. */
function el(kind, options, ...children) {
	const [tag, ...classes] = kind.split('.');
	const element = document.createElement(tag);

	if (classes.length) element.className = classes.join(' ');
	for (const [key, value] of Object.entries(options || {})) {
		if (value !== null && value !== undefined) element.setAttribute(key, value);
	}
	for (const child of children.flat(Infinity)) {
		if (child !== null && child !== undefined) element.append(child);
	}
	return element;
}

/* Colours of what is not known are lines, not areas. */
const HATCHED = ['--s-unknown', '--s-hole'];

function paint(element, color) {
	element.style.background = HATCHED.includes(color)
		? `repeating-linear-gradient(45deg, var(${color}) 0 2px, transparent 2px 6px)`
		: `var(${color})`;
}

/* A box of a bar, from and to in parts of its track. */
function box(from, to, color, title) {
	const element = el('span.box', { title });

	element.style.left = `${100 * from}%`;
	element.style.width = `${100 * (to - from)}%`;
	paint(element, color);
	return element;
}

function swatch(color) {
	const element = el('span.swatch');

	paint(element, color);
	return element;
}

const MINUS = '\u2212';
const NONE = '\u2013'; /* not measured */

function isMeasured(value) {
	return value !== null && value !== undefined;
}

function formatCount(count) {
	return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/* Three significant digits at most, as in the text report: limit, step, decimals, unit. */
const TIMES = [
	[1e3, 1, 0, 'ns'],
	[1e4, 100, 1, '\u00b5s'],
	[1e6, 1e3, 0, '\u00b5s'],
	[1e7, 1e5, 1, 'ms'],
	[1e9, 1e6, 0, 'ms'],
	[1e10, 1e7, 2, 's'],
	[1e11, 1e8, 1, 's'],
	[Infinity, 1e9, 0, 's'],
];

function unitOf(unit) {
	return { ns: 1, '\u00b5s': 1e3, ms: 1e6, s: 1e9 }[unit];
}

function formatTime(ns) {
	const size = Math.abs(ns),
		sign = ns < 0 ? MINUS : '';

	for (const [limit, step, decimals, unit] of TIMES) {
		const steps = Math.round(size / step);
		const value = (steps * step) / unitOf(unit);

		if (steps < limit / step) return `${sign}${value.toFixed(decimals)} ${unit}`;
	}
	return NONE;
}

/* An instant, to the microsecond or finer. */
function formatMoment(ns) {
	return ns >= 1e6 ? `${(ns / 1e6).toFixed(3)} ms` : `${(ns / 1e3).toFixed(3)} \u00b5s`;
}

/* One unit for a column, so that what is printed adds up to the printed total. */
const SCALES = [
	[1e3, 1, 0, 'ns'],
	[1e5, 100, 1, '\u00b5s'],
	[1e6, 1e3, 0, '\u00b5s'],
	[1e7, 1e4, 2, 'ms'],
	[1e8, 1e5, 1, 'ms'],
	[1e10, 1e6, 0, 'ms'],
	[1e11, 1e7, 2, 's'],
	[Infinity, 1e8, 1, 's'],
];

function scaleFor(ns) {
	const [, step, decimals, unit] = SCALES.find(([below]) => ns < below);

	return { step, decimals, unit };
}

function printSteps(scale, steps, isSigned) {
	const sign = steps < 0 ? MINUS : isSigned && steps > 0 ? '+' : '';
	const value = (Math.abs(steps) * scale.step) / unitOf(scale.unit);

	return `${sign}${value.toFixed(scale.decimals)} ${scale.unit}`;
}

/* Half away from zero, so that a bill and its mirror image show the same digits. */
function roundSteps(value, step) {
	return Math.sign(value) * Math.round(Math.abs(value) / step);
}

/* Largest remainder: steps that add up to the rounded sum, or to a total that was rounded before
 * (the step below or above the sum). Each part moves by less than a step. */
function roundParts(parts, step, total) {
	const sum = parts.reduce((a, b) => a + b, 0);
	const steps = parts.map((part) => Math.floor(part / step));
	const order = parts
		.map((part, i) => i)
		.sort((a, b) => parts[b] / step - steps[b] - (parts[a] / step - steps[a]) || a - b);
	let left = (total ?? roundSteps(sum, step)) - steps.reduce((a, b) => a + b, 0);

	for (let i = 0; left > 0 && i < order.length; i++, left--) steps[order[i]]++;
	return steps;
}

/* Shares in percent with one decimal that add up to 100.0. */
function shares(parts) {
	const sum = parts.reduce((a, b) => a + b, 0);

	if (!sum) return parts.map(() => '0.0 %');
	return roundParts(
		parts.map((part) => part / sum),
		0.001,
	).map((permille) => `${(permille / 10).toFixed(1)} %`);
}

function formatRatio(above, below) {
	const ratio = above / below;

	return `${ratio.toFixed(ratio < 9.995 ? 2 : 1)} \u00d7`;
}

/* A number that stands in the JSON: the exact value goes along. */
function number(value, unit, text) {
	if (!isMeasured(value)) return el('span.num', { title: 'not measured' }, NONE);
	const title = unit === 'ns' ? `${formatCount(value).replace('-', MINUS)} ns` : null;
	const shown = text || { ns: formatTime, count: formatCount }[unit](value);

	return el(
		value === 0 ? 'span.num.zero' : 'span.num',
		{ 'data-value': value, 'data-unit': unit, title },
		shown,
	);
}

/* A sum of numbers of the JSON, which does not stand there itself. */
function sumOf(value, text) {
	return el('span.num', null, text || formatTime(value));
}

function legend(rows) {
	return el(
		'ul.legend',
		null,
		rows.map(([color, ...content]) => el('li', null, swatch(color), ...content)),
	);
}

function section(title, ...children) {
	return el('section', null, el('h2', null, title), ...children);
}
