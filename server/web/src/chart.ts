// Curves by uPlot: drawn on a canvas, zoomed by dragging, and told in words beside it. The caller gives numbers; colours
// come from the sheet and follow the theme.
import uPlot from 'uplot';
import { debounce, h, replace } from './dom';
import { short } from './format';
import { color } from './theme';

export interface Series {
  label: string;
  values: (number | null)[];
  points?: boolean;
  invisible?: boolean;
}

export interface Mark {
  x: number;
  text: string;
  color: string;  // name of a custom property
}

export interface ChartData {
  x: number[];
  series: Series[];
  bands?: { upper: number; lower: number }[];  // indices of series
  marks?: Mark[];
}

export interface ChartOptions {
  height?: number;
  label: string;  // what a screen reader hears
  xLabel: string;
  xText?: (value: number) => string;
  yText?: (value: number) => string;
  onZoom?: (range: [number, number] | null) => void;
  range?: [number, number] | null;
  onPick?: (index: number) => void;
}

export interface Chart {
  node: HTMLElement;
  set(data: ChartData): void;
  zoom(range: [number, number] | null): void;
  close(): void;
}

const kWhole = [1, 2, 5].flatMap((digit) => [1, 10, 100, 1e3, 1e4, 1e5, 1e6].map((power) => digit * power)).sort((a, b) => a - b);
const kLabelSpace = 90;  // pixels; 1,000,000 with room beside it
const kDashes = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

export function chart(options: ChartOptions): Chart {
  const plot = h('div.plot', { style: { height: `${options.height ?? 280}px` }, role: 'img', 'aria-label': options.label });
  const reset = h('button.reset', { type: 'button', hidden: !options.range, onclick: () => zoom(null, true) }, 'Whole range');
  const node = h('div.chart', plot, reset);
  let data: ChartData = { x: [], series: [] };
  let view: uPlot | null = null;
  let range = options.range ?? null;

  function zoom(next: [number, number] | null, tell: boolean): void {
    range = next;
    reset.hidden = next === null;
    if (view && data.x.length > 0)
      view.setScale('x', { min: (next ?? whole())[0], max: (next ?? whole())[1] });
    if (tell) options.onZoom?.(next);
  }

  /** A single point stands in the middle. */
  function whole(): [number, number] {
    const [first, last] = [data.x[0] as number, data.x.at(-1) as number];
    return first === last ? [first - 0.5, last + 0.5] : [first, last];
  }

  function drawMarks(u: uPlot): void {
    const { ctx, bbox } = u;
    for (const mark of data.marks ?? []) {
      const x = Math.round(u.valToPos(mark.x, 'x', true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      const ratio = devicePixelRatio;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = color(mark.color);
      ctx.lineWidth = 1.5 * ratio;
      ctx.setLineDash([4 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`;
      const right = x < bbox.left + bbox.width * 0.65;
      ctx.textAlign = right ? 'left' : 'right';
      ctx.textBaseline = 'top';
      ctx.fillText(mark.text, x + (right ? 6 : -6) * ratio, bbox.top + 4 * ratio);
      ctx.restore();
    }
  }

  function axis(text: (value: number) => string, label?: string): uPlot.Axis {
    return {
      stroke: color('muted'), grid: { stroke: color('line'), width: 1 }, ticks: { stroke: color('line'), width: 1, size: 4 },
      font: '12px system-ui, sans-serif', label, labelFont: '12px system-ui, sans-serif', labelSize: label ? 22 : 0,
      size: label ? 34 : 58, values: (_, values) => values.map((value) => (value === null ? '' : text(value))),
    };
  }

  function seriesOptions(series: Series, index: number): uPlot.Series {
    const visible = data.series.slice(0, index).filter((other) => !other.invisible).length;
    if (series.invisible) return { label: series.label, stroke: 'transparent', width: 0, points: { show: false } };
    return {
      label: series.label, stroke: color(`series-${visible % 4}`), width: 2, dash: kDashes[visible % 4], spanGaps: false,
      points: { show: series.points ?? data.x.length === 1, size: 7, fill: color('surface') },
    };
  }

  function build(): void {
    view?.destroy();
    view = null;
    replace(plot);
    if (data.x.length === 0) return;
    const xText = options.xText ?? short;
    view = new uPlot({
      width: Math.max(200, plot.clientWidth), height: options.height ?? 280, legend: { show: false },
      padding: [8, 28, 0, 0],  // half of a label at the last tick
      cursor: {
        drag: { x: options.onZoom !== undefined, y: false, setScale: false }, points: { size: 8 },
        bind: options.onPick && { click: (u) => () => { if (u.cursor.idx != null) options.onPick?.(u.cursor.idx); return null; } },
      },
      scales: { x: { time: false, range: () => range ?? whole() } },
      axes: [{ ...axis(xText, options.xLabel), incrs: kWhole, space: kLabelSpace }, axis(options.yText ?? short)],
      series: [{}, ...data.series.map(seriesOptions)],
      bands: (data.bands ?? []).map(({ upper, lower }) => ({ series: [upper + 1, lower + 1], fill: color('band') })),
      hooks: {
        draw: [drawMarks],
        setSelect: [(u) => {
          if (u.select.width < 4) return;
          const next: [number, number] = [u.posToVal(u.select.left, 'x'), u.posToVal(u.select.left + u.select.width, 'x')];
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          zoom(next, true);
        }],
        setCursor: [(u) => readout(u)],
      },
    }, [data.x, ...data.series.map((series) => series.values)] as uPlot.AlignedData, plot);
  }

  const values = h('p.readout.small', { 'aria-hidden': 'true' });
  node.append(values);
  function readout(u: uPlot): void {
    const index = u.cursor.idx;
    if (index === null || index === undefined || u.cursor.left === undefined || u.cursor.left < 0) {
      replace(values, options.onZoom ? h('span.quiet', 'Drag across the curve to look closer.') : '');
      return;
    }
    const yText = options.yText ?? short;
    const shown = data.series.filter((series) => !series.invisible);
    replace(values, h('span', `${options.xLabel} ${(options.xText ?? short)(data.x[index] as number)}`),
      shown.map((series, i) => [h('span', h(`i.swatch.series-${i % 4}`), `${series.label} `, h('strong',
        series.values[index] === null || series.values[index] === undefined ? '–' : yText(series.values[index] as number)))]));
  }

  const resize = debounce(30, () => view?.setSize({ width: Math.max(200, plot.clientWidth), height: options.height ?? 280 }));
  const observer = new ResizeObserver(() => (view ? resize() : build()));
  observer.observe(plot);
  document.addEventListener('themechange', build);
  if (options.onZoom) replace(values, h('span.quiet', 'Drag across the curve to look closer.'));

  return {
    node,
    set(next) {
      const same = view !== null && next.series.length === data.series.length && next.x.length > 1 && data.x.length > 1;
      data = next;
      if (same) view?.setData([data.x, ...data.series.map((series) => series.values)] as uPlot.AlignedData);
      else if (plot.clientWidth > 0) build();
    },
    zoom: (next) => zoom(next, false),
    close() {
      observer.disconnect();
      document.removeEventListener('themechange', build);
      view?.destroy();
    },
  };
}

/** Curves as a table, for those who do not see them and for those who want the numbers. */
export function chartTable(caption: string, head: string[], rows: string[][]): HTMLElement {
  return h('details.data', h('summary', 'The numbers as a table'),
    h('div.scroll', { tabindex: '0', role: 'region', 'aria-label': caption }, h('table', h('caption', caption),
      h('thead', h('tr', head.map((text, i) => h(i === 0 ? 'th' : 'th.number', { scope: 'col' }, text)))),
      h('tbody', rows.map(([first, ...rest]) =>
        h('tr', h('th', { scope: 'row' }, first), rest.map((text) => h('td.number', text))))))));
}

export function legend(labels: string[], band?: string): HTMLElement {
  return h('ul.legend.small', labels.map((label, i) => h('li', h(`i.swatch.series-${i % 4}`), label)),
    band && h('li', h('i.swatch.band'), band));
}
