// The kernel cache of a run: matrix, what is known of the key that was chosen, time line, and the change to the base.
import { get } from '../api';
import { announce, h, replace, type Child } from '../dom';
import { bytes, count, plural, words } from '../format';
import { kStates, stateMark } from '../keystate';
import { byArch, card, keyText, loading, problemCard, prose, table } from '../parts';
import { address, remember } from '../router';
import type { Coverage, CoverageRow, Finding, JobDetail, KeyChange, KeyState, RunDetail } from '../types';
import { counts, matrix, type Matrix } from './matrix';
import { timelineView } from './timeline';

const kStateOrder = Object.keys(kStates) as KeyState[];
const kChangesShown = 60;

export interface CacheView {
  node: HTMLElement;
  setRun(run: RunDetail): void;
  open(key: string | null): void;
  close(): void;
}

/** Rows carry keys without their architecture token; a finding's key may have it. */
function sameKey(row: CoverageRow, key: string): boolean {
  return row.key === key || row.key === key.replaceAll(/sm_?\d{2,4}[af]?/g, '').replaceAll('__', '_');
}

function tokens(finding: Finding): Child {
  return finding.tokens && h('table.tokens.small', h('caption', 'Tokens that differ'),
    h('thead', h('tr', h('th', { scope: 'col' }, 'Token'), h('th', { scope: 'col' }, 'At run time'), h('th', { scope: 'col' }, 'Pre-warmed'))),
    h('tbody', finding.tokens.map((token) => h('tr', h('th', { scope: 'row' }, token.role),
      h('td', h('strong.bad-text', token.run_time ?? 'absent'), ' ', h('code.quiet', token.run_time_token ?? '')),
      h('td', h('strong', token.prewarmed ?? 'absent'), ' ', h('code.quiet', token.prewarmed_token ?? ''))))));
}

function findingsOf(jobs: JobDetail[], row: CoverageRow): { finding: Finding; archs: string[] }[] {
  const found = new Map<string, { finding: Finding; archs: string[] }>();
  for (const job of jobs)
    for (const finding of job.findings) {
      if (!finding.key || !sameKey(row, finding.key)) continue;
      const known = found.get(finding.clause + finding.message) ?? { finding, archs: [] };
      known.archs.push(job.arch);
      found.set(finding.clause + finding.message, known);
    }
  return [...found.values()];
}

function detail(run: RunDetail, coverage: Coverage, row: CoverageRow, dismiss: () => void): HTMLElement {
  const findings = findingsOf(run.jobs, row);
  const shown = new Set<Finding>();
  return h('div.key-detail', { id: 'key', tabindex: '-1', role: 'region', 'aria-label': `Key ${row.key}` },
    h('div.headline', h('h3.key', keyText(row.key)), h('button.bare.push', { type: 'button', 'aria-label': 'Close the key', onclick: dismiss }, '✕')),
    row.cache && h('p.small.quiet', `Cache ${row.cache}`),
    h('ul.per-arch', coverage.architectures.map((column, i) => {
      const cell = row.cells[i];
      return h('li', h('strong', column.arch), ' ', column.known ? stateMark(cell?.state ?? null) : h('span.quiet', 'not judged yet'),
        cell && h('span.small.quiet', ` ${kStates[cell.state].means}; ${plural(cell.hits, 'hit')}, ${plural(cell.misses, 'miss', 'misses')}, ${bytes(cell.bytes)}`
          + (cell.late_compiles > 0 ? `, ${plural(cell.late_compiles, 'late compile')}` : '')),
        cell?.nearest_key && h('div.small', h('span.quiet', 'nearest: '),
          h('a.key', { href: address(`/runs/${run.id}`, { key: cell.nearest_key }) }, keyText(cell.nearest_key))));
    })),
    findings.map(({ finding, archs }) => {
      const fresh = finding.tokens && !shown.has(finding);
      shown.add(finding);
      return h('div.finding', h('p', h('a.tag', { href: `#${finding.clause}` }, finding.clause), ' ', prose(finding.message)),
        h('p.small.quiet', archs.join(', '), finding.explained_by && ` · because of ${finding.explained_by.replaceAll('_', ' ')}`),
        fresh && tokens(finding),
        finding.evidence.some((one) => one.at) && h('p.small', h('span.quiet', 'at '), [...new Set(finding.evidence.map((one) => one.at))].filter(Boolean).slice(0, 4).map((at) => [h('code', at as string), ' '])));
    }),
    findings.length === 0 && h('p.small.quiet', 'No finding names this key.'));
}

function difference(run: RunDetail, coverage: Coverage): Child {
  const diff = coverage.difference;
  if (!diff) return h('p.small.quiet.pad', 'The base has no judged run to compare with.');
  if (diff.changes.length === 0) return h('p.small.quiet.pad', 'No key changed against ', h('a', { href: `/runs/${diff.base_run}` }, 'the base'), '.');
  return h('details.data.pad', h('summary', `${plural(diff.changes.length + diff.left_out, 'change')} against the base`),
    changesTable(run.id, diff.changes));
}

export function changesTable(run: string, changes: KeyChange[]): HTMLElement {
  const rows = changes.slice(0, kChangesShown).map((change) => h('tr',
    h('th', { scope: 'row' }, h('a.key', { href: address(`/runs/${run}`, { arch: change.arch, key: change.key }) }, keyText(change.key))),
    h('td', change.arch), h('td', stateMark(change.was)), h('td', stateMark(change.is))));
  return h('div', table('Changed keys', ['Key', 'Architecture', 'Was', 'Is'], rows),
    changes.length > kChangesShown && h('p.small.quiet.pad', `The first ${kChangesShown} of ${count(changes.length)}`));
}

const kCounted = ['warmed', 'used', 'missing', 'drifted', 'collided', 'skipped', 'unused', 'late_compiles'] as const;

function countsList(coverage: Coverage): HTMLElement {
  return h('ul.key-counts.small', coverage.architectures.filter((column) => column.known).map((column) => h('li', h('strong', column.arch), ': ',
    kCounted.filter((name) => name === 'warmed' || column.counts[name] > 0).map((name) => `${count(column.counts[name])} ${words(name)}`).join(', '))));
}

/** Columns as everywhere else, sm_89 before sm_121. */
function inOrder(page: Coverage): Coverage {
  const order = page.architectures.map((_, i) => i).sort((a, b) => byArch(page.architectures[a]?.arch ?? '', page.architectures[b]?.arch ?? ''));
  return {
    ...page, architectures: order.map((i) => page.architectures[i] as Coverage['architectures'][number]),
    rows: page.rows.map((row) => ({ ...row, cells: order.map((i) => row.cells[i] ?? null) })),
  };
}

export function cacheView(first: RunDetail): CacheView {
  const abort = new AbortController();
  const query = new URL(location.href).searchParams;
  let run = first;
  let coverage: Coverage | null = null;
  let grid: Matrix | null = null;
  let wanted = query.get('key');
  let asked: string | null = null;
  const shownCount = h('span.small.quiet', { role: 'status' });
  const body = h('div', loading());
  const aside = h('div.aside');
  const search = h<HTMLInputElement>('input', {
    type: 'search', placeholder: 'Search keys', 'aria-label': 'Search keys', value: query.get('q') ?? '', oninput: () => filter(true),
  });
  const states = h<HTMLSelectElement>('select', { 'aria-label': 'Only keys in this state', onchange: () => filter(true) },
    h('option', { value: '' }, 'every state'), kStateOrder.map((state) => h('option', { value: state, selected: query.get('state') === state }, `${kStates[state].symbol} ${state}`)));
  const node = card('Kernel cache', body, h('span.toolbar.push', shownCount, states, search));
  node.id = 'cache';

  function filter(told: boolean): void {
    if (!coverage || !grid) return;
    const text = search.value.trim().toLowerCase();
    const rows = coverage.rows.filter((row) => row.key.toLowerCase().includes(text)
      && (states.value === '' || row.cells.some((cell) => cell?.state === states.value)));
    grid.setRows(rows);
    counts(shownCount, rows.length, coverage.total);
    if (told) remember({ q: search.value, state: states.value });
  }

  function open(key: string | null, move = true): void {
    wanted = key;
    if (!coverage) return;
    const row = key === null ? undefined : coverage.rows.find((one) => sameKey(one, key));
    if (row && grid && !visible(row)) {
      search.value = states.value = '';
      filter(false);
    }
    grid?.choose(row?.key ?? null, true);
    replace(aside, row && detail(run, coverage, row, () => choose(null)),
      key !== null && !row && h('p.small.quiet.pad', h('code', key), ' does not occur in this matrix.'));
    if (row && move) {
      node.scrollIntoView({ block: 'start' });
      announce(`Key ${row.key}`);
    }
  }

  const visible = (row: CoverageRow) => row.key.toLowerCase().includes(search.value.trim().toLowerCase())
    && (states.value === '' || row.cells.some((cell) => cell?.state === states.value));

  function choose(row: CoverageRow | null): void {
    remember({ key: row?.key ?? null });
    open(row?.key ?? null, false);
    if (row) aside.querySelector<HTMLElement>('.key-detail')?.scrollIntoView({ block: 'nearest' });
  }

  function drawTimeline(place: HTMLElement): void {
    if (!coverage) return;
    const whole = new URL(location.href).searchParams.get('time') === 'whole';
    replace(place, timelineView(run.id, coverage, whole, (value) => {
      remember({ time: value ? 'whole' : null });
      drawTimeline(place);
    }));
  }

  function draw(): void {
    if (!coverage) return;
    if (coverage.total === 0) {
      replace(body, h('p.empty', coverage.architectures.some((column) => column.known)
        ? 'No architecture reported a kernel key.' : 'The matrix appears when the first job is judged.'));
      return;
    }
    grid = matrix(coverage.architectures.map((column) => column.arch), choose);
    const timeline = h('div');
    drawTimeline(timeline);
    const left = coverage.architectures.filter((column) => column.left_out > 0);
    replace(body, countsList(coverage), h('div.cache-grid', grid.node, aside),
      left.map((column) => h('p.small.quiet.pad', `${count(column.left_out)} more keys of ${column.arch} are not kept.`)),
      timeline, difference(run, coverage));
    filter(false);
    open(wanted, wanted !== null);
  }

  async function load(): Promise<void> {
    try {
      const page = await get<Coverage>(`/api/v1/runs/${run.id}/coverage`, abort.signal);
      coverage = inOrder(page);
      draw();
      for (let next = page.next; next; ) {
        const more: Coverage = await get<Coverage>(next, abort.signal);
        coverage.rows.push(...inOrder(more).rows);
        next = more.next;
        filter(false);
      }
    } catch (error) {
      if (!abort.signal.aborted) replace(body, problemCard(error));
    }
  }

  return {
    node,
    setRun(next) {
      run = next;
      const judged = next.jobs.map((job) => `${job.id}${job.attempt}${job.verdict}`).join();
      if (judged === asked) return;
      asked = judged;
      void load();
    },
    open,
    close: () => abort.abort(),
  };
}
