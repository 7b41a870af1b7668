// A list of any length of which only the rows in sight exist. Rows have one height, so that a place is a product and a
// jump costs nothing.
import { h } from './dom';

const kBeyond = 12;  // rows above and below that are there already when one scrolls
const kPixelsMax = 12_000_000;  // browsers clip taller elements; longer lists scroll in proportion

export interface VirtualList {
  node: HTMLElement;
  setCount(count: number): void;
  refresh(): void;
  reveal(index: number, where?: 'center' | 'nearest'): void;
  row(index: number): HTMLElement | null;
  readonly atEnd: boolean;
}

export function virtualList(options: {
  rowHeight: number;
  className: string;
  attributes?: Record<string, string>;
  rowRole?: string;
  draw: (index: number) => HTMLElement;
}): VirtualList {
  const { rowHeight, draw } = options;
  const space = h('div.space');
  const node = h(`div.virtual.${options.className}`, { tabindex: '0', ...options.attributes }, space);
  let count = 0;
  let rows = new Map<number, HTMLElement>();

  const height = () => Math.min(count * rowHeight, kPixelsMax);
  const scale = () => (count * rowHeight > kPixelsMax
    ? (count * rowHeight - node.clientHeight) / (kPixelsMax - node.clientHeight) : 1);

  function paint(fresh = false): void {
    const top = node.scrollTop * scale();
    const first = Math.max(0, Math.floor(top / rowHeight) - kBeyond);
    const last = Math.min(count, Math.ceil((top + node.clientHeight) / rowHeight) + kBeyond);
    const focused = [...rows].find(([, row]) => row.contains(document.activeElement))?.[0];
    const next = new Map<number, HTMLElement>();
    for (let index = first; index < last; ++index) {
      const row = (!fresh && rows.get(index)) || draw(index);
      row.style.transform = `translateY(${index * rowHeight - top + node.scrollTop}px)`;
      next.set(index, row);
    }
    for (const [index, row] of rows) if (next.get(index) !== row) row.remove();
    for (const row of next.values()) if (row.parentNode !== space) space.append(row);
    rows = next;
    if (fresh && focused !== undefined) rows.get(focused)?.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }

  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      paint();
    });
  };
  node.addEventListener('scroll', later, { passive: true });
  new ResizeObserver(later).observe(node);

  return {
    node,
    setCount(value) {
      count = value;
      space.style.height = `${height()}px`;
      paint(true);
    },
    refresh: () => paint(true),
    reveal(index, where = 'nearest') {
      const place = index * rowHeight;
      const top = node.scrollTop * scale();
      const view = node.clientHeight;
      if (where === 'center') node.scrollTop = (place - view / 2) / scale();
      else if (place < top) node.scrollTop = place / scale();
      else if (place + rowHeight > top + view) node.scrollTop = (place + rowHeight - view) / scale();
      paint();
    },
    row: (index) => rows.get(index) ?? null,
    get atEnd() {
      return node.scrollTop + node.clientHeight >= space.clientHeight - 2 * rowHeight;
    },
  };
}
