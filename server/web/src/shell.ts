// The frame around every page: skip link, navigation, theme, help, and the region that announces.
import { h, replace, svg } from './dom';
import { toggleHelp } from './keyboard';
import { onConnection } from './live';
import { theme, toggleTheme } from './theme';

const kNavigation = [
  { path: '/', text: 'Board', also: /^\/(runs|$)/ },
  { path: '/compare', text: 'Compare', also: /^\/compare/ },
  { path: '/trends', text: 'Trends', also: /^\/trends/ },
  { path: '/runners', text: 'Runners', also: /^\/runners/ },
  { path: '/audit', text: 'Audit', also: /^\/audit/ },
];

function mark(): SVGElement {
  return svg('svg', { viewBox: '0 0 32 32', 'aria-hidden': 'true' },
    svg('rect', { width: 32, height: 32, rx: 8, fill: 'var(--accent)' }),
    svg('path', { d: 'M9 24V10m14 14V10M9 15h14', fill: 'none', stroke: 'var(--surface)', 'stroke-width': 3, 'stroke-linecap': 'round' }),
    svg('circle', { cx: 16, cy: 21.5, r: 2.5, fill: 'var(--surface)' }));
}

function themeButton(): HTMLElement {
  const button = h('button.bare', { type: 'button', onclick: toggleTheme });
  const draw = () => {
    const dark = theme() === 'dark';
    replace(button, dark ? '☀' : '☾');
    button.setAttribute('aria-label', dark ? 'Light theme' : 'Dark theme');
    button.title = dark ? 'Light theme' : 'Dark theme';
  };
  document.addEventListener('themechange', draw);
  draw();
  return button;
}

function connection(): HTMLElement {
  const dot = h('span.dot', { 'aria-hidden': 'true' });
  const text = h('span');
  const node = h('span.connection', { hidden: true, title: 'Whether changes arrive by themselves' }, dot, text);
  onConnection((state) => {
    node.hidden = false;  // a page that never changes says nothing of it
    dot.className = `dot ${state === 'live' ? 'on' : state === 'lost' ? 'off' : ''}`;
    text.textContent = state === 'live' ? 'live' : state === 'lost' ? 'connection lost' : 'connecting';
  });
  return node;
}

export function buildShell(): HTMLElement {
  const main = h('main', { id: 'main', tabindex: '-1' });
  document.body.append(
    h('a.skip', { href: '#main', onclick: () => main.focus() }, 'Skip to the content'),
    h('header.top', h('div.top-row',
      h('a.brand', { href: '/', 'aria-label': 'smgate, to the board' }, mark(), h('span', 'smgate')),
      h('nav', { 'aria-label': 'Pages' }, kNavigation.map(({ path, text }) => h('a', { href: path }, text))),
      h('div.top-tools', connection(), themeButton(),
        h('button.bare', { type: 'button', 'aria-label': 'Keyboard help', title: 'Keyboard help (?)', onclick: toggleHelp }, '?')))),
    main,
    h('div.only-read', { id: 'announcements', 'aria-live': 'polite', role: 'status' }));
  return main;
}

export function markNavigation(path: string): void {
  document.querySelectorAll<HTMLAnchorElement>('.top nav a').forEach((link, i) => {
    if (kNavigation[i]?.also.test(path)) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  });
}
