// The log of a job: as long as it may be, only lines in sight exist. Each line has an address (#L12), the search is part
// of it too, and a log that grows is followed.
import { get, getRange } from '../api';
import { announce, debounce, h, replace } from '../dom';
import { bytes, count, plural } from '../format';
import { follow } from '../live';
import { droppedLog, loading, problemCard, jobBadge } from '../parts';
import { remember, type Place, type View } from '../router';
import { virtualList } from '../virtual';
import type { RunDetail } from '../types';

const kLineHeight = 21;
const kPiece = 1 << 20;
const kBytesMax = 64 << 20;  // of memory of this tab; the rest can be had as a file
// eslint-disable-next-line no-control-regex
const kAnsi = /\x1b\[[0-9;?]*[A-Za-z]|\r(?!\n)/g;

class LogView implements View {
  private readonly abort = new AbortController();
  private readonly lines: string[] = [];
  private readonly decoder = new TextDecoder();
  private open = '';  // the last line, while its end has not come
  private got = 0;
  private total = 0;
  private busy = false;
  private again = false;
  private hits: number[] = [];
  private hit = -1;
  private marked: number;
  private job = '';
  private stop: () => void = () => {};
  private placed = false;
  private readonly head = h('div.headline');
  private readonly status = h('span.small.quiet', { role: 'status' });
  private readonly trouble = h('div.slot');
  private readonly search: HTMLInputElement;
  private readonly followBox: HTMLInputElement;
  private readonly list = virtualList({
    rowHeight: kLineHeight, className: 'log-lines', attributes: { role: 'region', 'aria-label': 'Log' }, draw: (index) => this.drawLine(index),
  });

  constructor(private readonly place: Place, private readonly main: HTMLElement) {
    this.marked = lineOf(place.hash);
    const again = debounce(120, () => this.find(true));
    this.search = h<HTMLInputElement>('input', { type: 'search', placeholder: 'Search the log', 'aria-label': 'Search the log', value: place.query.get('q') ?? '', oninput: again });
    this.search.addEventListener('keydown', (event) => event.key === 'Enter' && this.jump(event.shiftKey ? -1 : 1));
    this.followBox = h<HTMLInputElement>('input', { type: 'checkbox', checked: this.marked === 0 });
    document.addEventListener('keydown', this.keys);
    main.append(loading());
    void this.begin();
  }

  private async begin(): Promise<void> {
    try {
      const run = await get<RunDetail>(`/api/v1/runs/${this.place.params.id}`, this.abort.signal);
      const job = run.jobs.find((one) => one.arch === this.place.params.arch);
      if (!job) throw new Error(`this run has no job of ${this.place.params.arch}`);
      this.job = job.id;
      const gone = droppedLog(job);
      const raw = `/api/v1/jobs/${job.id}/log`;
      document.title = `Log of ${job.arch}, ${run.branch} · smgate`;
      const live = job.state !== 'done' && job.state !== 'cancelled';
      replace(this.head, h('h1', `Log of ${job.arch}`), jobBadge(job), h('a', { href: `/runs/${run.id}` }, `${run.repository} ${run.branch}`),
        !gone && h('a', { href: raw, target: '_blank', rel: 'noopener' }, 'Plain text'));
      if (gone) return replace(this.main, h('div.stack', this.head, dropped(gone, run.id)));
      replace(this.main, h('div.stack', this.head, this.trouble, h('section.card.log-card',
        h('header', h('div.toolbar', this.search, this.button('Previous hit', '↑', -1), this.button('Next hit', '↓', 1)), this.status,
          h('label.small.push', { hidden: !live }, this.followBox, ' Follow the end')), this.list.node)));
      await this.grow();
      if (live) this.stop = follow(`/api/v1/jobs/${job.id}/stream`, (event) => {
        if (event.event === 'log' || event.event === 'end') void this.grow();
      });
    } catch (error) {
      if (!this.abort.signal.aborted) replace(this.main, problemCard(error));
    }
  }

  private button(label: string, text: string, way: number): HTMLElement {
    return h('button', { type: 'button', 'aria-label': label, title: label, onclick: () => this.jump(way) }, text);
  }

  /** Reads what is new, piece by piece; one reader at a time. */
  private async grow(): Promise<void> {
    this.again = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.again) {
        this.again = false;
        do {
          const piece = await getRange(`/api/v1/jobs/${this.job}/log`, this.got, this.got + kPiece - 1, this.abort.signal);
          this.total = piece.total;
          if (piece.bytes.length === 0) break;
          this.got += piece.bytes.length;
          this.take(this.decoder.decode(piece.bytes, { stream: true }));
        } while (this.got < Math.min(this.total, kBytesMax));
      }
      replace(this.trouble);
    } catch (error) {
      if (!this.abort.signal.aborted) replace(this.trouble, problemCard(error));
    }
    this.busy = false;
    this.show();
  }

  private take(text: string): void {
    const parts = (this.open + text).split('\n');
    if (this.open !== '') this.lines.pop();
    this.open = parts.at(-1) ?? '';
    if (this.open === '') parts.pop();
    for (const part of parts) this.lines.push(part.replace(kAnsi, '').replace(/\r$/, ''));
    this.show();
  }

  private show(): void {
    const follows = this.followBox.checked && !this.followBox.parentElement?.hidden;
    this.list.setCount(this.lines.length);
    if (!this.placed && this.marked > 0 && this.lines.length >= this.marked) {
      this.placed = true;
      this.list.reveal(this.marked - 1, 'center');
    } else if (follows && this.lines.length > 0) {
      this.list.reveal(this.lines.length - 1);
    }
    this.find(false);
  }

  private find(told: boolean): void {
    const text = this.search.value.toLowerCase();
    this.hits = [];
    if (text !== '') this.lines.forEach((line, i) => line.toLowerCase().includes(text) && this.hits.push(i));
    if (told) {
      remember({ q: this.search.value });
      this.hit = -1;
      if (this.hits.length > 0) this.jump(1);
    }
    const size = this.got < this.total ? `${bytes(this.got)} of ${bytes(this.total)}` : bytes(this.total);
    const found = text === '' ? '' : `${plural(this.hits.length, 'hit')} in `;
    this.status.textContent = this.lines.length === 0 ? 'Nothing has been printed.' : `${found}${plural(this.lines.length, 'line')}, ${size}`;
    this.list.refresh();
  }

  private jump(way: number): void {
    if (this.hits.length === 0) return;
    this.hit = (this.hit + way + this.hits.length) % this.hits.length;
    this.followBox.checked = false;
    this.mark((this.hits[this.hit] as number) + 1);
    announce(`Hit ${this.hit + 1} of ${count(this.hits.length)}, line ${this.marked}`);
  }

  private mark(line: number): void {
    this.marked = line;
    this.placed = true;
    remember({}, line > 0 ? `L${line}` : '');
    if (line > 0) this.list.reveal(line - 1, 'center');
    this.list.refresh();
  }

  private drawLine(index: number): HTMLElement {
    const text = this.lines[index] ?? '';
    const number = index + 1;
    const wanted = this.search.value.toLowerCase();
    const parts: (string | HTMLElement)[] = [];
    let from = 0;
    for (let at = wanted === '' ? -1 : text.toLowerCase().indexOf(wanted); at >= 0; at = text.toLowerCase().indexOf(wanted, from)) {
      parts.push(text.slice(from, at), h('mark', text.slice(at, at + wanted.length)));
      from = at + wanted.length;
    }
    parts.push(text.slice(from));
    return h(`div.log-line${number === this.marked ? '.marked' : ''}`, { 'data-line': number },
      h('a.line-number', { href: `#L${number}`, tabindex: '-1', 'aria-label': `Line ${number}` }, String(number)), h('span', parts));
  }

  private readonly keys = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey) return;
    if (event.key === 'n') this.jump(1);
    else if (event.key === 'p') this.jump(-1);
  };

  update(place: Place): boolean {
    if (lineOf(place.hash) !== this.marked) this.mark(lineOf(place.hash));
    return true;
  }

  close(): void {
    this.abort.abort();
    this.stop();
    document.removeEventListener('keydown', this.keys);
  }
}

function dropped(text: HTMLElement, run: string): HTMLElement {
  return h('section.card.notice', h('h2', 'This log is no longer kept'), text,
    h('p.quiet', 'What was made of it stays: ', h('a', { href: `/runs/${run}` }, 'verdict, findings, loss and kernel cache'), '.'));
}

function lineOf(hash: string): number {
  return Number(/^#L(\d+)$/.exec(hash)?.[1] ?? 0);
}

export function showLog(place: Place, main: HTMLElement): View {
  return new LogView(place, main);
}
