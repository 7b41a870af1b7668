// Starts the page: theme, frame, keyboard, addresses.
import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/shell.css';
import './style/views.css';
import { Problem } from './api';
import { replace } from './dom';
import { startKeyboard } from './keyboard';
import { problemCard } from './parts';
import { match, startRouter, type Page, type Place, type View } from './router';
import { buildShell, markNavigation } from './shell';
import { startTheme } from './theme';
import { showAudit } from './views/audit';
import { showBoard } from './views/board';
import { showCompare } from './views/compare';
import { showLog } from './views/log';
import { showRun } from './views/run';
import { showRunners } from './views/runners';
import { showTrends } from './views/trends';

// The server serves this page at these addresses: server/dashboard/page.cpp has the same list.
const kPages: Page[] = [
  { pattern: '/', title: 'Board', show: showBoard },
  { pattern: '/runs/:id', title: 'Run', show: showRun },
  { pattern: '/runs/:id/log/:arch', title: 'Log', show: showLog },
  { pattern: '/compare', title: 'Compare', show: showCompare },
  { pattern: '/trends', title: 'Trends', show: showTrends },
  { pattern: '/runners', title: 'Runners and queue', show: showRunners },
  { pattern: '/audit', title: 'Audit log', show: showAudit },
];

let shown: { page: Page; path: string; view: View } | null = null;

const kNowhere: Page = {
  pattern: '', title: 'Not found',
  show: (place, main) => main.append(problemCard(new Problem('Not found', `There is no page ${place.path}.`, 'Is the address whole? The board leads everywhere.', 404))),
};

function find(path: string): { page: Page; params: Record<string, string> } {
  for (const page of kPages) {
    const params = match(page.pattern, path);
    if (params) return { page, params };
  }
  return { page: kNowhere, params: {} };
}

function show(main: HTMLElement, address: URL, moved: boolean): void {
  const { page, params } = find(address.pathname);
  const place: Place = { path: address.pathname, params, query: address.searchParams, hash: address.hash };
  if (shown && shown.page === page && shown.path === place.path && shown.view.update?.(place)) return;
  shown?.view.close?.();
  shown = null;
  replace(main);
  document.title = `${page.title} · smgate`;
  markNavigation(place.path);
  try {
    shown = { page, path: place.path, view: page.show(place, main) ?? {} };
  } catch (error) {
    replace(main, problemCard(error));
  }
  if (!moved) return;
  if (place.hash === '') scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

startTheme();
const main = buildShell();
startKeyboard();
startRouter((address, moved) => show(main, address, moved));
