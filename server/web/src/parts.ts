// Small pieces that every page uses.
import { Problem } from './api';
import { h, replace, type Child } from './dom';
import { keepToken } from './token';
import { ago, count, digits, exactTime, kNoValue, sha, words } from './format';
import type { Job, Run, Verdict } from './types';

const kSymbols: Record<string, string> = {
  pass: '✓', fail: '✕', inconclusive: '?', not_applicable: '–', busy: '●', queued: '○', cancelled: '⊘',
};
const kTexts: Record<string, string> = { not_applicable: 'not applicable' };

/** Colour, symbol and text together: no one has to tell them apart by one alone. */
export function badge(state: string, text = kTexts[state] ?? words(state), large = false): HTMLElement {
  const mark = kSymbols[state] ?? '●';
  return h(`span.verdict.${state}${large ? '.large' : ''}`, h('span', { 'aria-hidden': 'true' }, mark), h('span', text));
}

const kJobTexts: Record<string, string> = { queued: 'queued', leased: 'running', reported: 'judging', cancelled: 'cancelled' };

export function jobBadge(job: Pick<Job, 'state' | 'verdict' | 'steps'>): HTMLElement {
  if (job.verdict) return badge(job.verdict);
  if (job.state === 'queued') return badge('queued', 'queued');
  if (job.state === 'cancelled') return badge('cancelled', 'cancelled');
  const step = job.steps ? `, step ${count(job.steps)}` : '';
  return badge('busy', `${kJobTexts[job.state] ?? words(job.state)}${step}`);
}

const kRunTexts: Record<string, string> = {
  fetching: 'fetching', running: 'running', deciding: 'deciding', held: 'waits for approval', cancelled: 'cancelled',
};

export function runBadge(run: { state: Run['state']; verdict: Verdict | null }, large = false): HTMLElement {
  if (run.verdict) return badge(run.verdict, undefined, large);
  if (run.state === 'cancelled') return badge('cancelled', 'cancelled', large);
  return badge(run.state === 'held' ? 'inconclusive' : 'busy', kRunTexts[run.state] ?? run.state, large);
}

/** A verdict where there is no room for its name: whoever cannot see the mark hears the word. */
export function runMark(run: { state: Run['state']; verdict: Verdict | null }): HTMLElement {
  const state = run.verdict ?? (run.state === 'cancelled' ? 'cancelled' : 'busy');
  return h(`span.mark.${state}`, h('span', { 'aria-hidden': 'true' }, kSymbols[state]), h('span.only-read', ` ${run.verdict ?? run.state} `));
}

export function isLive(run: { state: Run['state'] }): boolean {
  return run.state === 'fetching' || run.state === 'running' || run.state === 'deciding';
}

export function timeAgo(time: string | null | undefined): HTMLElement | string {
  if (!time) return kNoValue;
  return h('time', { datetime: time, title: exactTime(time), className: 'nowrap' }, ago(time, Date.now()));
}

export function commit(hash: string | null): Child {
  return hash ? h('code', { title: hash }, sha(hash)) : kNoValue;
}

/** What stands in the place of a log that is no longer kept; null where it is, or nothing was ever printed. */
export function droppedLog(job: Pick<Job, 'log_dropped_at' | 'log_bytes'>): HTMLElement | null {
  return job.log_dropped_at === null || job.log_bytes === 0 ? null : h('p', `Log dropped on ${exactTime(job.log_dropped_at)}. `,
    h('span.quiet', 'A larger ', h('code', 'limits.raw_days'), ' in the server’s configuration keeps logs longer, 0 for ever.'));
}

export function emulatedTag(emulated: boolean): Child {
  return emulated && h('span.tag', { title: 'A CPU played this architecture' }, 'emulated');
}

export function card(title: Child, body: Child, ...tools: Child[]): HTMLElement {
  const name = h('h2', title);
  return h('section.card', h('header', name, tools), body);
}

export function facts(rows: [string, Child][]): HTMLElement {
  return h('dl.facts', rows.map(([name, value]) => h('div', h('dt', name), h('dd', value))));
}

export function problemCard(error: unknown): HTMLElement {
  const known = error instanceof Problem;
  if (!known) console.error(error);
  return h('section.card.notice.bad', { role: 'alert' },
    h('h2', known ? error.title : 'This page made a mistake'),
    h('p', known ? error.detail : String(error)),
    h('p.quiet', h('strong', 'What to do: '), known ? error.next : 'Load it again. If it stays, please report it.'),
    known && error.status === 404 && h('p', h('a', { href: '/' }, 'To the board')),
    known && (error.status === 401 || error.status === 403) && tokenForm());
}

function tokenForm(): HTMLElement {
  const field = h<HTMLInputElement>('input', { type: 'password', autocomplete: 'off', size: 40 });
  const use = () => {
    keepToken(field.value.trim());
    location.reload();
  };
  field.addEventListener('keydown', (event) => event.key === 'Enter' && use());
  return h('div.toolbar', h('label', 'Token with the scope read', field), h('button', { type: 'button', onclick: use }, 'Use it in this tab'));
}

export function loading(): HTMLElement {
  return h('p.loading', { 'aria-live': 'polite' }, 'Loading…');
}

/** Text of the server, in which `this` is code. Whoever wants all digits of a number finds them in the JSON. */
export function prose(text: string): Child {
  return text.split('`').map((part, i) => (i % 2 === 1 ? h('code', part) : part.replace(/\d+\.\d{7,}/g, (number) => digits(Number(number)))));
}

/** A key, which breaks where its tokens end. */
export function keyText(key: string): Child {
  return key.split(/(?<=_)/).map((token, i) => [i > 0 && h('wbr'), token]);
}

const kNumbers = new Set(['Busy', 'Attempts']);

/** Rows of a table() with these heads. */
export function labelled(head: string[], rows: HTMLElement[]): HTMLElement[] {
  for (const row of rows) {
    row.setAttribute('role', 'row');
    for (const [i, cell] of [...row.children].entries()) {
      cell.setAttribute('role', i === 0 ? 'rowheader' : 'cell');
      if (i > 0) cell.setAttribute('data-label', head[i] ?? '');
    }
  }
  return rows;
}

/** On a phone a row becomes a block whose cells say what they are; roles keep it a table for screen readers. */
export function table(label: string, head: string[], rows: HTMLElement[], body = h('tbody', { role: 'rowgroup' })): HTMLElement {
  replace(body, labelled(head, rows));
  return h('div.scroll', { tabindex: '0', role: 'region', 'aria-label': label },
    h('table.stacked', { role: 'table', 'aria-label': label }, h('thead', { role: 'rowgroup' },
      h('tr', { role: 'row' }, head.map((text) => h(kNumbers.has(text) ? 'th.number' : 'th', { role: 'columnheader', scope: 'col' }, text)))), body));
}

/** sm_89 before sm_121. */
export function byArch(a: string, b: string): number {
  return Number(a.replace(/\D/g, '')) - Number(b.replace(/\D/g, '')) || a.localeCompare(b);
}

/** Numbers the tab order of a grid: one stop, arrow keys inside. */
export function arrowKeys(grid: HTMLElement, move: (rows: number, columns: number, event: KeyboardEvent) => boolean): void {
  const steps: Record<string, [number, number]> = {
    ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1], PageDown: [10, 0], PageUp: [-10, 0],
    Home: [-Infinity, 0], End: [Infinity, 0],
  };
  grid.addEventListener('keydown', (event) => {
    const step = steps[event.key];
    if (step && !event.ctrlKey && !event.metaKey && !event.altKey && move(step[0], step[1], event)) event.preventDefault();
  });
}
