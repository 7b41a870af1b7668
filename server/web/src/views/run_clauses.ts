// Clauses by architecture, and every finding and warning with its evidence.
import { h, replace, type Child } from '../dom';
import { count, plural, words } from '../format';
import { badge, card, keyText, labelled, prose, table } from '../parts';
import { address, remember } from '../router';
import type { Clause, Finding, JobDetail, RunDetail, Warning } from '../types';

const kShown = 20;  // the causes above say what matters; the rest is a button away

export function clausesCard(run: RunDetail): HTMLElement {
  const jobs = run.jobs.filter((job) => job.clauses.length > 0);
  const ids = new Map<string, string>();
  for (const job of jobs) for (const clause of job.clauses) ids.set(clause.id, clause.title);
  if (ids.size === 0) return card('Clauses', h('p.empty', 'Clauses are evaluated when a job ends.'));
  const cell = (clause: Clause | undefined) => h('td', clause ? [badge(clause.outcome),
    clause.outcome !== 'pass' && clause.reason && h('div.small.quiet', prose(clause.reason))] : '–');
  const grid = h('table.clauses',
    h('thead', h('tr', h('th', { scope: 'col' }, 'Clause'), jobs.map((job) => h('th', { scope: 'col' }, job.arch)))),
    h('tbody', [...ids].map(([id, title]) => h('tr', { id },
      h('th', { scope: 'row' }, h('span.clause-id', id), ' ', title),
      jobs.map((job) => cell(job.clauses.find((clause) => clause.id === id)))))));
  const node = card('Clauses', h('div.scroll', { tabindex: '0', role: 'region', 'aria-label': 'Clauses by architecture' }, grid));
  node.id = 'clauses';
  return node;
}

interface Merged<T> { item: T; archs: string[] }

function merge<T extends { clause: string; message: string }>(jobs: JobDetail[], of: (job: JobDetail) => T[]): Merged<T>[] {
  const all = new Map<string, Merged<T>>();
  for (const job of jobs)
    for (const item of of(job)) {
      const known = all.get(item.clause + item.message);
      if (known) known.archs.push(job.arch);
      else all.set(item.clause + item.message, { item, archs: [job.arch] });
    }
  return [...all.values()];
}

function keyLink(run: string, key: string | undefined): Child {
  return key ? h('a.key', { href: address(`/runs/${run}`, { key }) }, keyText(key)) : '';
}

function rows(run: string, list: Merged<Finding | Warning>[]): HTMLElement[] {
  return list.map(({ item, archs }) => h('tr',
    h('td.nowrap', h('a', { href: `#${item.clause}` }, item.clause), h('div.small.quiet', words(item.kind))),
    h('td', prose(item.message), h('div.small.quiet', [...new Set(item.evidence.map((one) => one.at))].filter(Boolean).slice(0, 2).map((at) => [h('code', at as string), ' ']))),
    h('td', keyLink(run, item.key)),
    h('td', archs.map((arch) => [h('span.tag', arch), ' ']))));
}

export function findingsCard(run: RunDetail, warnings: boolean): HTMLElement | null {
  const name = warnings ? 'warning' : 'finding';
  const jobs = run.jobs;
  const list: Merged<Finding | Warning>[] = warnings ? merge<Finding | Warning>(jobs, (job) => job.warnings) : merge<Finding | Warning>(jobs, (job) => job.findings);
  if (list.length === 0) return null;
  const head = ['Clause', 'What', 'Key', 'On'];
  const body = h('tbody', { role: 'rowgroup' });
  const more = h('p.pad', { hidden: list.length <= kShown }, h('button', {
    type: 'button', onclick: () => {
      replace(body, labelled(head, rows(run.id, list)));
      more.hidden = true;
    },
  }, `Show all ${count(list.length)}`));
  const node = card(plural(list.length, name.replace(/^./, (letter) => letter.toUpperCase())),
    [h('div.findings', table(`${name}s`, head, rows(run.id, list.slice(0, kShown)), body)), more]);
  node.id = `${name}s`;
  return node;
}

/** Chooses one architecture or all; it is part of the address. */
export function archTabs(run: RunDetail, chosen: string | null, choose: (arch: string | null) => void): HTMLElement {
  const button = (text: string, value: string | null) => h('button', {
    type: 'button', 'aria-pressed': String(chosen === value), onclick: () => {
      remember({ arch: value });
      choose(value);
    },
  }, text);
  return h('div.tabs', { role: 'group', 'aria-label': 'Findings of' }, button('All architectures', null), run.jobs.map((job) => button(job.arch, job.arch)));
}
