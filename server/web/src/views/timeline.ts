// Late compiles on a time line against pre-warm, payload and steps: a lane an architecture.
import { h, type Child } from '../dom';
import { bytes, duration } from '../format';
import { keyText } from '../parts';
import { address } from '../router';
import type { Coverage, Timeline } from '../types';

const kMarksMax = 400;  // more would be one black bar; the table has them all
const kStartMargin = 1.25;
const kMinute_ms = 60_000;
const kHour_ms = 60 * kMinute_ms;

/** Where the interesting part ends: a little after the last pre-warm, payload or the first late compile. */
export function startEnd(timelines: Timeline[]): number {
  const ends = timelines.flatMap((line) => [
    ...line.spans.filter((span) => span.kind !== 'steps').map((span) => span.end_ms ?? span.begin_ms),
    ...line.spans.filter((span) => span.kind === 'steps').map((span) => span.begin_ms),
    ...line.late.slice(0, 1).map((late) => late.at_ms)]);
  return Math.max(0.001, ...ends) * kStartMargin;
}

function percentOf(value: number, end: number): string {
  return `${Math.min(100, (100 * value) / end)}%`;
}

/** Each compile and each load of one is a mark. */
function lateWords(total: number): string {
  return total === 1 ? '1 late compile or load' : `${total} late compiles and loads`;
}

function lane(arch: string, line: Timeline, end: number): HTMLElement {
  const spans = line.spans.filter((span) => span.begin_ms <= end).map((span) => {
    const until = Math.min(span.end_ms ?? line.end_ms, end);
    const text = `${span.kind}${span.scope ? ` ${span.scope}` : ''}: ${duration(span.begin_ms)} to ${span.end_ms === null ? 'its end was not reported' : duration(span.end_ms)}`;
    return h(`span.span.${span.kind}`, { title: text, style: { left: percentOf(span.begin_ms, end), width: `max(3px, ${percentOf(until - span.begin_ms, end)})` } });
  });
  const late = line.late.filter((one) => one.at_ms <= end).slice(0, kMarksMax).map((one) =>
    h('span.late', { title: `late ${one.kind} of ${one.key} at ${duration(one.at_ms)}`, style: { left: percentOf(one.at_ms, end) } }));
  const total = line.late.length + line.late_left_out;
  const words = `${arch}: ${line.spans.map((span) => `${span.kind} ${span.scope} from ${duration(span.begin_ms)}`).join(', ')}; ${lateWords(total)}`;
  return h('div.lane', h('div.lane-name', arch, h('div.small.quiet', total > 0 ? lateWords(total) : 'none late')),
    h('div.track', { role: 'img', 'aria-label': words }, spans, late));
}

/** Round times, four to eight of them. */
export function ticks(end: number): number[] {
  const unit = end >= 2 * kHour_ms ? kHour_ms : end >= 2 * kMinute_ms ? kMinute_ms : 1;
  const power = unit * 10 ** Math.floor(Math.log10(end / unit / 3));
  const step = power * ([5, 2, 1].find((digit) => digit * power <= end / 3) ?? 1);
  return Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step);
}

function scale(end: number): HTMLElement {
  return h('div.scale.small.quiet', { 'aria-hidden': 'true' }, ticks(end).map((at) => h('span', { style: { left: percentOf(at, end) } }, duration(at))));
}

function lateTable(run: string, coverage: Coverage): Child {
  const late = coverage.architectures.flatMap((column) => (column.timeline?.late ?? []).map((one) => ({ arch: column.arch, ...one })));
  const left = coverage.architectures.reduce((sum, column) => sum + (column.timeline?.late_left_out ?? 0), 0);
  if (late.length === 0) return null;
  return h('details.data', h('summary', `Late compiles and loads as a table (${late.length + left})`),
    h('div.scroll', { tabindex: '0', role: 'region', 'aria-label': 'Late compiles' }, h('table',
      h('thead', h('tr', ['Key', 'Architecture', 'What', 'At', 'Took', 'Size'].map((text, i) => h(i > 2 ? 'th.number' : 'th', { scope: 'col' }, text)))),
      h('tbody', late.slice(0, kMarksMax).map((one) => h('tr',
        h('th', { scope: 'row' }, h('a.key', { href: address(`/runs/${run}`, { arch: one.arch, key: one.key }) }, keyText(one.key))),
        h('td', one.arch), h('td', one.kind), h('td.number', duration(one.at_ms)), h('td.number', duration(one.ms)), h('td.number', bytes(one.bytes))))))));
}

export function timelineView(run: string, coverage: Coverage, whole: boolean, setWhole: (whole: boolean) => void): HTMLElement | null {
  const known = coverage.architectures.filter((column) => column.timeline);
  if (known.length === 0) return null;
  const lines = known.map((column) => column.timeline as Timeline);
  const longest = Math.max(0.001, ...lines.map((line) => line.end_ms));
  const start = Math.min(longest, startEnd(lines));
  const end = whole ? longest : start;
  const button = (text: string, value: boolean) =>
    h('button', { type: 'button', 'aria-pressed': String(whole === value), onclick: () => setWhole(value) }, text);
  return h('div.timeline',
    h('div.headline', h('h3', 'Time line'),
      h('ul.legend.small', h('li', h('i.swatch.prewarm'), 'pre-warm'), h('li', h('i.swatch.payload'), 'payload'),
        h('li', h('i.swatch.steps'), 'steps'), h('li', h('i.swatch.late-mark'), 'late compile')),
      start < longest * 0.8 && h('span.tabs.small', button('Start', false), button('Whole run', true))),
    known.map((column) => lane(column.arch, column.timeline as Timeline, end)),
    scale(end), h('p.axis-name.small.quiet', 'since the first event of the run'),
    lateTable(run, coverage));
}
