// Two runs side by side: verdicts, what is new and what is gone, and their curves over each other.
import { get } from '../api';
import { h, replace, type Child } from '../dom';
import { bytes, count, duration, plural, sha, short, words } from '../format';
import { badge, byArch, card, commit, keyText, loading, problemCard, prose, runBadge, timeAgo } from '../parts';
import { address, go, type Place, type View } from '../router';
import type { ArchDiff, Cause, Diff, Finding, Run, RunPage, Stats } from '../types';
import { changesTable } from './run_cache';
import { lossView, type LossView } from './run_loss';

const kFindingsShown = 30;

function side(title: string, run: Run): HTMLElement {
  return h('section.card.job', h('header', h('h2', title), h('span.push', runBadge(run))),
    h('div.body', h('p', h('a', { href: `/runs/${run.id}` }, run.branch), ' ', commit(run.commit)), h('p.small.quiet', run.repository, ' · ', timeAgo(run.created_at)),
      run.reason && h('p.small', prose(run.reason))));
}

function change(now: number | null | undefined, then: number | null | undefined, text: (value: number) => string, goodWay: number): Child {
  if (now === null || now === undefined || then === null || then === undefined || now === then) return null;
  const good = (now - then) * goodWay > 0;
  return h(`span.small.${goodWay === 0 ? 'quiet' : good ? 'good-text' : 'bad-text'}`, ` ${now > then ? '▲ +' : '▼ −'}${text(Math.abs(now - then))}`);
}

function statsTable(one: ArchDiff): HTMLElement {
  const rows: [string, keyof Stats, (value: number) => string, number][] = [
    ['Tokens/s', 'tokens_per_s', short, 1], ['Pre-warm', 'prewarm_ms', duration, -1], ['Cache', 'cache_bytes', bytes, 0],
    ['Keys warmed', 'warmed', count, 0], ['Keys used', 'used', count, 0], ['Missing', 'missing', count, -1], ['Drifted', 'drifted', count, -1],
    ['Collided', 'collided', count, -1], ['Unused', 'unused', count, -1], ['Late compiles', 'late_compiles', count, -1]];
  const text = (value: number | null | undefined, format: (value: number) => string) => (value === null || value === undefined ? '–' : format(value));
  return h('div.scroll', { tabindex: '0', role: 'region', 'aria-label': `Measures of ${one.arch}` }, h('table',
    h('thead', h('tr', h('th', { scope: 'col' }, 'Measure'), h('th.number', { scope: 'col' }, 'Base'), h('th.number', { scope: 'col' }, 'Run'))),
    h('tbody', rows.map(([name, field, format, way]) => h('tr', h('th', { scope: 'row' }, name),
      h('td.number', text(one.base_stats?.[field], format)),
      h('td.number', text(one.stats?.[field], format), change(one.stats?.[field], one.base_stats?.[field], format, way)))))));
}

function causeList(title: string, causes: Cause[]): Child {
  return causes.length > 0 && h('div', h('h4', title), h('ul', causes.map((cause) => h('li', h('strong', words(cause.id)), ': ', prose(cause.text)))));
}

function findingList(run: string, title: string, findings: Finding[]): Child {
  return findings.length > 0 && h('details.data', { open: findings.length <= 6 }, h('summary', `${title} (${findings.length})`),
    h('ul', findings.slice(0, kFindingsShown).map((finding) => h('li', h('span.tag', finding.clause), ' ', prose(finding.message), ' ',
      finding.key && h('a.key.small', { href: address(`/runs/${run}`, { key: finding.key }) }, keyText(finding.key)))),
    findings.length > kFindingsShown && h('li.quiet', `and ${findings.length - kFindingsShown} more`)));
}

function archCard(diff: Diff, one: ArchDiff): HTMLElement {
  const nothing = one.clauses.length + one.causes_new.length + one.causes_gone.length + one.findings_new.length + one.findings_gone.length === 0;
  return card(one.arch, h('div.compare-arch', h('div.stack.tight',
    nothing && h('p.quiet', 'No clause, cause or finding differs.'),
    one.clauses.length > 0 && h('ul.plain', one.clauses.map((clause) => h('li', h('strong', clause.id), ' ',
      clause.was ? badge(clause.was) : 'absent', ' → ', clause.is ? badge(clause.is) : 'absent'))),
    causeList('New causes', one.causes_new), causeList('Causes that are gone', one.causes_gone),
    findingList(diff.run.id, 'New findings', one.findings_new), findingList(diff.base.id, 'Findings that are gone', one.findings_gone),
    one.findings_left_out > 0 && h('p.small.quiet', `${plural(one.findings_left_out, 'finding')} more are left out.`)), statsTable(one)));
}

function option(run: Run, chosen: string | null): HTMLElement {
  return h('option', { value: run.id, selected: run.id === chosen }, `${run.branch} ${sha(run.commit)} · ${run.verdict ?? run.state}`);
}

async function chooser(place: Place, signal: AbortSignal): Promise<HTMLElement> {
  const page = await get<RunPage>('/api/v1/runs?limit=100', signal);
  const [run, base] = [place.query.get('run'), place.query.get('base')];
  const missing = (id: string | null) => id && !page.runs.some((one) => one.id === id) && h('option', { value: id, selected: true }, id);
  const pick = (label: string, chosen: string | null, empty: string, use: (id: string) => void) => {
    const select: HTMLSelectElement = h<HTMLSelectElement>('select', { onchange: () => use(select.value) },
      h('option', { value: '' }, empty), missing(chosen), page.runs.map((one) => option(one, chosen)));
    return h('label', label, select);
  };
  return h('div.toolbar.choose', pick('Run', run, 'choose one', (id) => go(address('/compare', { run: id, base }))),
    pick('against', base, 'its base commit', (id) => go(address('/compare', { run, base: id }))));
}

export function showCompare(place: Place, main: HTMLElement): View {
  const abort = new AbortController();
  const choice = h('div');
  const body = h('div.stack');
  let loss: LossView | null = null;
  main.append(h('div.stack', h('h1', 'Compare two runs'), choice, body));
  const run = place.query.get('run');

  async function load(): Promise<void> {
    replace(body, loading());
    const diff = await get<Diff>(address(`/api/v1/runs/${run}/diff`, { base: place.query.get('base') }), abort.signal);
    diff.architectures.sort((a, b) => byArch(a.arch, b.arch));
    document.title = `${sha(diff.base.commit)} … ${sha(diff.run.commit)} · smgate`;
    loss = lossView((job) => ('label' in job ? String(job.label) : job.arch));
    replace(body, h('div.jobs', side('Base', diff.base), side('Run', diff.run)),
      diff.architectures.map((one) => archCard(diff, one)), loss.node,
      diff.coverage && diff.coverage.changes.length > 0 && card('Kernel keys that changed', changesTable(diff.run.id, diff.coverage.changes)));
    loss.setJobs(diff.architectures.flatMap((one) => [
      one.base_job ? [{ id: one.base_job, arch: one.arch, label: `${one.arch} base` }] : [],
      one.job ? [{ id: one.job, arch: one.arch, label: `${one.arch} run` }] : []].flat()));
  }

  void chooser(place, abort.signal).then((node) => replace(choice, node)).catch((error) => !abort.signal.aborted && replace(choice, problemCard(error)));
  if (run) load().catch((error) => !abort.signal.aborted && replace(body, problemCard(error)));
  else replace(body, h('p.empty', 'Choose a run. Without a second one it is compared with the newest run of its base commit.'));
  return {
    close() {
      abort.abort();
      loss?.close();
    },
  };
}
