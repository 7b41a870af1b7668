// What each commit of a branch measured, by architecture: loss, tokens/s, pre-warm time, cache bytes, late compiles.
import { get } from '../api';
import { chart, chartTable, legend, type Chart } from '../chart';
import { h, replace } from '../dom';
import { bytes, count, duration, loss, plain, sha, short } from '../format';
import { onChange } from '../live';
import { byArch, card, loading, problemCard } from '../parts';
import { address, go, type Place, type View } from '../router';
import type { Board, TrendPoint, Trends } from '../types';

interface Measure {
  title: string;
  of: (point: TrendPoint) => number | null;
  text: (value: number) => string;
}

const kMeasures: Measure[] = [
  { title: 'Final loss', of: (point) => plain(point.final_loss), text: loss },
  { title: 'Tokens per second', of: (point) => point.stats.tokens_per_s, text: short },
  { title: 'Pre-warm time', of: (point) => point.stats.prewarm_ms, text: duration },
  { title: 'Kernel cache', of: (point) => point.stats.cache_bytes, text: bytes },
  { title: 'Late compiles', of: (point) => point.stats.late_compiles, text: count },
];
const kPages = 3;  // of 100 runs: more columns than a screen has room for

function one(measure: Measure, runs: TrendPoint[][], archs: string[]): { node: HTMLElement; plot: Chart } {
  const value = (points: TrendPoint[], arch: string) => {
    const point = points.find((candidate) => candidate.arch === arch);
    const number = point ? measure.of(point) : null;
    return number !== null && Number.isFinite(number) ? number : null;
  };
  const name = (i: number) => sha(runs[Math.round(i)]?.[0]?.commit).slice(0, 7);
  const plot = chart({
    label: `${measure.title} by commit; the numbers follow as a table`, xLabel: 'commit', height: 200, yText: measure.text,
    xText: (i) => (runs[i] ? name(i) : ''), onPick: (i) => runs[i]?.[0] && go(`/runs/${runs[i]?.[0]?.run}`),
  });
  plot.set({ x: runs.map((_, i) => i), series: archs.map((arch) => ({ label: arch, values: runs.map((points) => value(points, arch)), points: true })) });
  const table = chartTable(measure.title, ['Commit', ...archs], runs.map((points, i) =>
    [name(i), ...archs.map((arch) => { const number = value(points, arch); return number === null ? '–' : measure.text(number); })]));
  return { node: card(measure.title, h('div.body', plot.node, table), h('span.push', legend(archs))), plot };
}

export function showTrends(place: Place, main: HTMLElement): View {
  const abort = new AbortController();
  let charts: Chart[] = [];
  const choice = h('div.toolbar');
  const body = h('div', loading());
  main.append(h('div.stack', h('div.headline', h('h1', 'Trends'), choice), body));

  async function choose(): Promise<[string, string] | null> {
    const { branches } = await get<Board>('/api/v1/board?limit=100', abort.signal);
    const first = branches.find(({ run }) => run.verdict !== null) ?? branches[0];  // one that has points
    const chosen: [string, string] | null = place.query.has('branch')
      ? [place.query.get('repository') ?? '', place.query.get('branch') ?? '']
      : first ? [first.repository, first.branch] : null;
    const select: HTMLSelectElement = h<HTMLSelectElement>('select', {
      onchange: () => {
        const branch = branches[Number(select.value)];
        if (branch) go(address('/trends', { repository: branch.repository, branch: branch.branch }));
      },
    }, branches.map((branch, i) => h('option', {
      value: i, selected: branch.repository === chosen?.[0] && branch.branch === chosen?.[1],
    }, `${branch.repository} ${branch.branch}`)));
    replace(choice, branches.length > 0 && h('label', 'Branch', select));
    return chosen;
  }

  async function points(chosen: [string, string]): Promise<TrendPoint[]> {
    const all: TrendPoint[] = [];
    let next: string | null = address('/api/v1/trends', { repository: chosen[0], branch: chosen[1], limit: 100 });
    for (let page = 0; next && page < kPages; ++page) {
      const answer: Trends = await get<Trends>(next, abort.signal);
      all.push(...answer.points);
      next = answer.next;
    }
    return all;
  }

  async function load(): Promise<void> {
    const chosen = await choose();
    const all = chosen ? await points(chosen) : [];
    const byRun = new Map<string, TrendPoint[]>();
    for (const point of all) byRun.set(point.run, [...(byRun.get(point.run) ?? []), point]);
    const runs = [...byRun.values()].reverse();
    const archs = [...new Set(all.map((point) => point.arch))].sort(byArch);
    charts.forEach((plot) => plot.close());
    if (runs.length === 0) {
      replace(body, h('section.card', h('p.empty', 'No run of this branch has been judged yet. Each one that is adds a point here.')));
      return;
    }
    const made = kMeasures.map((measure) => one(measure, runs, archs));
    charts = made.map(({ plot }) => plot);
    replace(body, h('div.stack', all.some((point) => point.emulated) && h('p.small.quiet', 'Some of these runs were emulated on a CPU: their times are no measure of a device.'),
      h('div.charts', made.map(({ node }) => node))));
  }

  const again = () => void load().catch((error) => !abort.signal.aborted && replace(body, problemCard(error)));
  again();
  const stop = onChange((change) => (change === null || (change.kind === 'run' && change.verdict !== null)) && again());
  return {
    close() {
      abort.abort();
      stop();
      charts.forEach((plot) => plot.close());
    },
  };
}
