// Who asked the server for what by a token, and what came of it. It is shown to a token with the scope read, also where
// all else is open; and as it grows at the top, what a reader has paged to stays.
import { get, Problem } from '../api';
import { announce, h, replace } from '../dom';
import { exactTime, plural } from '../format';
import { reloadOnChange } from '../live';
import { badge, loading, problemCard, table } from '../parts';
import { address, go, type Place, type View } from '../router';
import { kAuditActions, type AuditEntry, type AuditPage } from '../types';

function subject({ run, target }: AuditEntry): HTMLElement {
  if (!run) return h('td', h('a', { href: `/runners#runner-${encodeURIComponent(target)}` }, target), h('div.small.quiet', 'runner'));
  return h('td', h('a', { href: address(`/runs/${run.id}`, { arch: run.arch }) }, run.branch),
    h('div.small.quiet', run.repository, run.arch && ` · ${run.arch}`));
}

function row(entry: AuditEntry): HTMLElement {
  return h('tr', h('th.nowrap', { scope: 'row' }, h('time', { datetime: entry.at }, exactTime(entry.at))), h('td', entry.token), h('td', entry.action),
    subject(entry), h('td', entry.done ? badge('pass', 'done') : badge('fail', 'refused'), h('div.small.quiet', entry.text)));
}

function filters(action: string, token: string): HTMLElement {
  const pick: HTMLSelectElement = h<HTMLSelectElement>('select', { onchange: () => use() }, h('option', { value: '' }, 'all'),
    kAuditActions.map((name) => h('option', { value: name, selected: name === action }, name)));
  const name = h<HTMLInputElement>('input', { type: 'search', placeholder: 'its whole name', value: token, onchange: () => use() });
  const use = () => go(address('/audit', { action: pick.value, token: name.value.trim() }));
  return h('div.toolbar.push', h('label', 'Action', pick), h('label', 'Token', name));
}

export function showAudit(place: Place, main: HTMLElement): View {
  const abort = new AbortController();
  const [action, token] = [place.query.get('action') ?? '', place.query.get('token') ?? ''];
  let entries: AuditEntry[] = [];
  let next: string | null = null;
  let shown = false;
  let refused = false;
  const list = h('div', loading());
  const more = h('button', { type: 'button', hidden: true, onclick: () => void load(next) }, 'Show older entries');
  main.append(h('div.stack', h('div.headline', h('h1', 'Audit log'), filters(action, token)),
    h('p.quiet', 'What was asked for by a token: on this page, on a terminal, or by a program. What people ask for on GitHub is in the history of its run.'),
    list, h('div', more)));

  function draw(): void {
    replace(list, h('section.card', entries.length > 0 ? table('Audit log', ['Time', 'Token', 'Action', 'Concerns', 'Result'], entries.map(row))
      : h('p.empty', action || token ? 'No entry matches.' : 'Nobody has asked for anything yet.')));
    more.hidden = next === null;
    shown = true;
  }

  /** A page of older entries, or what has come since. */
  async function load(page: string | null): Promise<void> {
    if (refused) return;  // nobody's token is wiped out while they type it
    try {
      const answer = await get<AuditPage>(page ?? address('/api/v1/audit', { action, token }), abort.signal);
      if (page !== null && page !== next) return;  // it was asked for twice
      const news = answer.entries.filter(({ seq }) => seq > (entries[0]?.seq ?? 0));
      if (page === null && news.length === 0 && shown) return;  // the focus stays where it is
      if (page !== null) [entries, next] = [[...entries, ...answer.entries], answer.next];
      else if (news.length < answer.entries.length) entries = [...news, ...entries];
      else [entries, next] = [answer.entries, answer.next];  // the first, or so many that some lie between
      draw();
      if (page === null) return;
      announce(`${plural(entries.length, 'entry', 'entries')} shown${next === null ? ', which are all' : ''}`);
      if (next === null) list.querySelector<HTMLElement>('.scroll')?.focus({ preventScroll: true });  // the button is gone
    } catch (error) {
      if (abort.signal.aborted) return;
      refused = error instanceof Problem && (error.status === 401 || error.status === 403);
      replace(list, problemCard(error));
      more.hidden = true;
      shown = false;
    }
  }

  void load(null);
  return { close: reloadOnChange(() => void load(null), abort) };
}
