// The kernel-cache matrix: a key a row, an architecture a column. Only rows in sight exist; one cell is in the tab order
// and arrow keys move it.
import { h, replace } from '../dom';
import { stateMark } from '../keystate';
import { arrowKeys, keyText } from '../parts';
import { virtualList } from '../virtual';
import type { Cell, CoverageRow } from '../types';

const kRowHeight = 38;

export interface Matrix {
  node: HTMLElement;
  setRows(rows: CoverageRow[]): void;
  choose(key: string | null, reveal: boolean): void;
}

function cellNote(cell: Cell): string {
  return cell.late_compiles > 0 ? `${cell.late_compiles} late` : '';
}

export function matrix(architectures: string[], choose: (row: CoverageRow, column: number) => void): Matrix {
  let rows: CoverageRow[] = [];
  let chosen: string | null = null;
  let active = { row: 0, column: 0 };
  const columns = `minmax(9rem, 1fr) repeat(${architectures.length}, var(--cell))`;

  function gridCell(index: number, column: number, content: Node[], className: string): HTMLElement {
    const here = index === active.row && column === active.column;
    return h(`div.${className}`, {
      role: column === 0 ? 'rowheader' : 'gridcell', 'aria-colindex': column + 1, tabindex: here ? '0' : '-1',
      onclick: () => {
        active = { row: index, column };
        choose(rows[index] as CoverageRow, column);
      },
    }, content);
  }

  const list = virtualList({
    rowHeight: kRowHeight, className: 'matrix-rows', attributes: { tabindex: '-1', role: 'rowgroup' },
    draw(index) {
      const row = rows[index] as CoverageRow;
      return h('div.matrix-row', {
        role: 'row', 'aria-rowindex': index + 2, 'aria-selected': row.key === chosen ? 'true' : 'false', 'data-key': row.key,
        style: { gridTemplateColumns: columns, height: `${kRowHeight}px` },
      }, gridCell(index, 0, [h('span.key', { title: row.key }, keyText(row.key))], 'matrix-key'),
      row.cells.map((cell, i) => gridCell(index, i + 1,
        [stateMark(cell?.state ?? null), h('span.small.quiet.note', cell ? cellNote(cell) : '')], 'matrix-cell')));
    },
  });
  list.node.firstElementChild?.setAttribute('role', 'presentation');

  const head = h('div.matrix-row.matrix-head', { role: 'row', 'aria-rowindex': '1', style: { gridTemplateColumns: columns } },
    h('div', { role: 'columnheader', 'aria-colindex': '1' }, 'Kernel key'),
    architectures.map((arch, i) => h('div', { role: 'columnheader', 'aria-colindex': String(i + 2) }, arch)));
  const grid = h('div.matrix', {
    role: 'grid', 'aria-label': 'Kernel keys by architecture', 'aria-colcount': architectures.length + 1,
  }, h('div', { role: 'rowgroup' }, head), list.node);
  const empty = h('p.empty', { hidden: true }, 'No key matches.');

  function focusActive(): void {
    list.reveal(active.row);
    list.refresh();
    list.row(active.row)?.querySelector<HTMLElement>('[tabindex="0"]')?.focus({ preventScroll: true });
  }

  arrowKeys(grid, (down, right) => {
    if (rows.length === 0) return false;
    const clamp = (value: number, max: number) => Math.min(Math.max(value, 0), max);
    active = { row: clamp(active.row + down, rows.length - 1), column: clamp(active.column + right, architectures.length) };
    focusActive();
    return true;
  });
  grid.addEventListener('keydown', (event) => {
    const row = rows[active.row];
    if ((event.key !== 'Enter' && event.key !== ' ') || !row) return;
    event.preventDefault();
    choose(row, active.column);
  });

  return {
    node: h('div', grid, empty),
    setRows(next) {
      rows = next;
      active = { row: Math.min(active.row, Math.max(0, rows.length - 1)), column: active.column };
      grid.setAttribute('aria-rowcount', String(rows.length + 1));
      grid.hidden = rows.length === 0;
      empty.hidden = rows.length > 0;
      list.node.style.height = `${Math.min(rows.length * kRowHeight, 480)}px`;
      list.setCount(rows.length);
    },
    choose(key, reveal) {
      chosen = key;
      const index = rows.findIndex((row) => row.key === key);
      if (index >= 0 && active.row !== index) active = { row: index, column: 0 };
      if (index >= 0 && reveal) list.reveal(index, 'center');
      list.refresh();
    },
  };
}

export function counts(target: HTMLElement, shown: number, total: number): void {
  replace(target, shown === total ? `${total.toLocaleString('en-US')} keys` : `${shown.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} keys`);
}
