// Loss curves of a run's architectures over each other, the band in which they must stay, and where they part.
import { get } from '../api';
import { chart, chartTable, legend } from '../chart';
import { line, overlay, parting, type Line } from '../curves';
import { debounce, h, replace } from '../dom';
import { count, loss, percent } from '../format';
import { problemCard } from '../parts';
import { address, remember } from '../router';
import type { Curve, Job } from '../types';

const kPoints = 2000;  // more than a screen has pixels for two curves
const kHeldMax = 3 * kPoints;  // of a curve that grows; then the server thins it out anew
const kTableRows = 40;

export interface LossView {
  node: HTMLElement;
  /** Done when the curves so far are there; where they could not be read the page says so. */
  setJobs(jobs: Pick<Job, 'id' | 'arch'>[]): Promise<void>;
  append(curve: Curve): void;
  curve(job: string): Curve | undefined;
  close(): void;
}

function tell(lines: Line[]): string[] {
  const [first, ...others] = lines;
  if (!first) return [];
  return others.map((other) => {
    const where = parting(first, other);
    if (!where) return `${other.label} stays within 5 % of ${first.label}.`;
    if (where.kind === 'ends') return `${other.label} ends at step ${count(where.step)}, before ${first.label}.`;
    return Number.isNaN(where.difference) ? `${other.label} has no loss at step ${count(where.step)}.`
      : `${other.label} leaves the band of ${first.label} at step ${count(where.step)}: ${percent(where.difference)}.`;
  });
}

function table(lines: Line[]): HTMLElement {
  const { x, values } = overlay(lines);
  const every = Math.max(1, Math.ceil(x.length / kTableRows));
  const rows = x.flatMap((step, i) => (i % every === 0 || i === x.length - 1
    ? [[count(step), ...values.map((column) => loss(column[i] ?? null))]] : []));
  return chartTable(every > 1 ? `Every ${every}th point` : 'Every point', ['Step', ...lines.map((one) => one.label)], rows);
}

/** How many points its range has in the store. */
const behind = (curve: Curve) => curve.next - curve.first;
const isThinned = (curve: Curve) => behind(curve) > curve.points.step.length;

function readRange(text: string | null): [number, number] | null {
  const [a, b] = (text ?? '').split('-').map(Number);
  return a !== undefined && b !== undefined && Number.isFinite(a) && Number.isFinite(b) && a < b ? [a, b] : null;
}

export function lossView(labelOf: (job: Pick<Job, 'id' | 'arch'>) => string = (job) => job.arch): LossView {
  const abort = new AbortController();
  const curves = new Map<string, Curve>();
  let jobs: Pick<Job, 'id' | 'arch'>[] = [];
  let near: Curve[] | null = null;  // of the range that is looked at
  let range = readRange(new URL(location.href).searchParams.get('steps'));
  const words = h('div.small', { 'aria-live': 'polite' });
  const key = h('div');
  const numbers = h('div');
  const trouble = h('div');
  const plot = chart({
    label: 'Loss by step; the same in words and numbers beneath', xLabel: 'step', yText: (value) => Number(value.toPrecision(5)).toString(), xText: count, range,
    onZoom: (next) => {
      range = next && [Math.max(0, Math.floor(next[0])), Math.ceil(next[1])];
      remember({ steps: range && `${range[0]}-${range[1]}` });
      near = null;
      void lookCloser();
      draw();
    },
  });
  const node = h('section.card', { id: 'loss' },
    h('header', h('h2', 'Loss'), key), h('div.body', trouble, plot.node, words, numbers));

  const linesOf = (list: Curve[]) => jobs.flatMap((job) => {
    const curve = list.find((one) => one.job === job.id);
    return curve && curve.points.step.length > 0 ? [line(labelOf(job), curve)] : [];
  });

  function draw(): void {
    const lines = linesOf([...curves.values()]);
    if (lines.length === 0) {
      plot.node.hidden = true;
      replace(words, h('p.quiet', 'No step has been reported yet.'));
      return;
    }
    plot.node.hidden = false;
    const shown = near ? linesOf(near) : lines;
    const { x, values, upper, lower } = overlay(shown);
    const series = shown.map((one, i) => ({ label: one.label, values: values[i] ?? [] }));
    const bands = shown.length > 1 ? [{ upper: series.length, lower: series.length + 1 }] : [];
    const edges = shown.length > 1
      ? [{ label: 'upper', values: upper, invisible: true }, { label: 'lower', values: lower, invisible: true }] : [];
    const first = lines[0] as Line;
    const marks = lines.slice(1).flatMap((other) => {
      const where = parting(first, other);
      return where ? [{ x: where.step, color: 'fail', text: where.kind === 'ends' ? `${other.label} ends: step ${where.step}` : `parts: step ${where.step}` }] : [];
    });
    plot.set({ x, series: [...series, ...edges], bands, marks });
    replace(key, legend(lines.map((one) => one.label), lines.length > 1 ? `within 5 % of ${first.label}` : undefined));
    const all = near ?? [...curves.values()];
    const most = Math.max(...all.map(behind));
    const silent = jobs.filter((job) => curves.get(job.id)?.points.step.length === 0).map((job) => `${labelOf(job)} reported no step.`);
    replace(words, [...tell(lines), ...silent].map((text) => h('p', text)),
      all.some(isThinned) && h('p.quiet', `${count(most)} points${near ? ' in this part' : ''}, thinned out for this picture.`));
    replace(numbers, table(shown));
  }

  const ask = (steps: [number, number] | null) => get<{ curves: Curve[] }>(address('/api/v1/curves', {
    jobs: jobs.map((job) => job.id).join(','), points: kPoints, from: steps?.[0], to: steps?.[1] }), abort.signal);

  /** Asks for the range alone, where the overview left points of it out. */
  async function lookCloser(): Promise<void> {
    const steps = range;
    if (!steps || ![...curves.values()].some(isThinned)) return;
    try {
      const answer = await ask(steps);
      if (range !== steps) return;  // it was zoomed again meanwhile
      near = answer.curves;
      draw();
    } catch (error) {
      if (!abort.signal.aborted) replace(trouble, problemCard(error));
    }
  }

  async function load(): Promise<void> {
    if (jobs.length === 0) return draw();
    try {
      for (const curve of (await ask(null)).curves) curves.set(curve.job, curve);
      draw();
      await lookCloser();
    } catch (error) {
      if (!abort.signal.aborted) replace(trouble, problemCard(error));
    }
  }

  const thinOut = debounce(100, () => void load());

  return {
    node,
    setJobs(next) {
      jobs = next;
      return load();
    },
    append(curve) {
      const known = curves.get(curve.job);
      if (!known || known.attempt !== curve.attempt || curve.first === 0) curves.set(curve.job, curve);
      else if (curve.next > known.next) {
        const from = known.points.step.at(-1) ?? -1;
        const fresh = curve.points.step.map((step, i) => ({ step, i })).filter(({ step }) => step > from);
        const points = { ...known.points };
        points.step = [...points.step, ...fresh.map(({ step }) => step)];
        points.loss = [...points.loss, ...fresh.map(({ i }) => curve.points.loss[i] ?? null)];
        curves.set(curve.job, { ...known, next: curve.next, total: curve.total, points });
        if (points.step.length > kHeldMax) return thinOut();
      }
      draw();
    },
    curve: (job) => curves.get(job),
    close() {
      abort.abort();
      plot.close();
    },
  };
}

