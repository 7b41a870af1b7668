// The board: a branch a row, an architecture a column, each cell the newest verdict and the key it failed for.
import { get } from '../api';
import { announce, h, replace, type Child } from '../dom';
import { reloadOnChange } from '../live';
import { byArch, commit, emulatedTag, jobBadge, keyText, loading, problemCard, runBadge, runMark, timeAgo } from '../parts';
import { address, go, remember, type Place, type View } from '../router';
import { sha, words } from '../format';
import type { Board, Job, Run } from '../types';
import { firstPage } from './welcome';

type Branch = Board['branches'][number];

function cell(run: Run, arch: string, job: Job | undefined): HTMLElement {
  if (!job && run.required.includes(arch)) return h('td', { role: 'cell', 'data-label': arch }, runBadge(run));
  if (!job) return h('td.none.quiet', { role: 'cell' }, h('span', { 'aria-hidden': 'true' }, '–'), h('span.only-read', 'not required'));
  const key = job.guilty_key;
  return h('td', { role: 'cell', 'data-label': arch },
    h('a.cell-link', { href: address(`/runs/${run.id}`, { arch }), 'aria-label': `${arch}: ${job.verdict ?? job.state}, open the run` },
      jobBadge(job), ' ', emulatedTag(job.emulated)),
    job.first_cause && h('div.small.quiet', words(job.first_cause)),
    key && h('a.key.small', { href: address(`/runs/${run.id}`, { arch, key }), title: 'Open the kernel cache at this key' }, keyText(key)));
}

/** A failure is new, or it is not: the runs before, each a link. */
function before({ earlier }: Branch): Child {
  return earlier.length > 0 && h('div.small.quiet.before', 'before ', earlier.map((run) =>
    h('a', { href: `/runs/${run.id}`, title: `${sha(run.commit)}: ${run.verdict ?? run.state}` }, runMark(run), h('code', sha(run.commit).slice(0, 7)))));
}

function row(of: Branch, architectures: string[]): HTMLElement {
  const { repository, branch, run } = of;
  return h('tr', { role: 'row', 'data-run': run.id },
    h('th', { role: 'rowheader', scope: 'row' },
      h('a.branch', { href: `/runs/${run.id}` }, branch),
      h('div.small.quiet', repository, run.pull_request !== null && ` · #${run.pull_request}`)),
    h('td', { role: 'cell', 'data-label': 'verdict' }, runBadge(run), before(of)),
    architectures.map((arch) => cell(run, arch, run.jobs.find((job) => job.arch === arch))),
    h('td', { role: 'cell', 'data-label': 'commit' }, commit(run.commit), h('div.small.quiet', timeAgo(run.updated_at))));
}

function table(branches: Branch[]): HTMLElement {
  const architectures = [...new Set(branches.flatMap(({ run }) => [...run.required, ...run.jobs.map((job) => job.arch)]))].sort(byArch);
  const head = (text: string) => h('th', { role: 'columnheader', scope: 'col' }, text);
  return h('table.board', { role: 'table', 'aria-label': 'Branches by architecture' },
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, head('Branch'), head('Verdict'), architectures.map(head), head('Commit'))),
    h('tbody', { role: 'rowgroup' }, branches.map((branch) => row(branch, architectures))));
}

export function showBoard(place: Place, main: HTMLElement): View {
  const abort = new AbortController();
  let branches: Branch[] = [];
  let next: string | null = null;
  let offered = '';
  let known = new Map<string, string>();
  const repository = place.query.get('repository');
  const list = h('div', loading());
  const search = h<HTMLInputElement>('input', {
    type: 'search', placeholder: 'Branch or commit', 'aria-label': 'Search branches', value: place.query.get('q') ?? '',
    oninput: () => {
      remember({ q: search.value });
      draw();
    },
  });
  const pick = h('span');
  const more = h('button', { type: 'button', hidden: true, onclick: () => void load(next) }, 'Show more branches');
  const frame = h('div.stack',
    h('div.headline', h('h1', 'Board'), h('div.toolbar.push', pick, search)), h('section.card.board-card', list), h('div', more));
  main.append(frame);

  function draw(): void {
    const wanted = search.value.trim().toLowerCase();
    const shown = branches.filter(({ branch, repository: name, run }) =>
      `${name} ${branch} ${run.commit} #${run.pull_request ?? ''}`.toLowerCase().includes(wanted));
    replace(list, shown.length > 0 ? table(shown) : h('p.empty', 'No branch matches. Esc leaves the search.'));
    more.hidden = next === null;
    drawRepositories();
  }

  function drawRepositories(): void {
    const names = [...new Set(branches.map((branch) => branch.repository))].sort();
    if ((names.length < 2 && !repository) || names.join() === offered) return;  // nobody's choice closes under them
    offered = names.join();
    const select: HTMLSelectElement = h<HTMLSelectElement>('select', {
      'aria-label': 'Repository', onchange: () => go(address('/', { repository: select.value, q: search.value })),
    }, h('option', { value: '' }, 'All repositories'), names.map((name) => h('option', { value: name, selected: name === repository }, name)));
    replace(pick, select);
  }

  function tell(): void {
    const now = new Map(branches.map(({ branch, run }) => [run.id, `${branch}: ${run.verdict ?? run.state}`]));
    const news = [...now].filter(([id, text]) => known.size > 0 && known.get(id) !== text).map(([, text]) => text);
    known = now;
    if (news.length > 0) announce(news.join('; '));
  }

  async function load(page: string | null): Promise<void> {
    try {
      const answer = await get<Board>(page ?? address('/api/v1/board', { repository, limit: 100 }), abort.signal);
      branches = page ? [...branches, ...answer.branches] : answer.branches;
      next = answer.next;
      const content = branches.length === 0 ? firstPage() : frame;
      if (content !== main.firstElementChild) replace(main, content);  // else the focus stays where it is
      if (branches.length > 0) draw();
      tell();
    } catch (error) {
      if (!abort.signal.aborted) replace(list, problemCard(error));
    }
  }

  void load(null);
  return { close: reloadOnChange(() => void load(null), abort) };
}
