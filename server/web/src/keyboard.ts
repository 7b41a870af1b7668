// Keys that work on every page, and the help that lists them.
import { h } from './dom';
import { go } from './router';

const kKeys: [string[], string][] = [
  [['?'], 'This help'],
  [['/'], 'Search: keys of a run, lines of a log, branches of the board'],
  [['g', 'b'], 'Board'],
  [['g', 'c'], 'Compare two runs'],
  [['g', 't'], 'Trends'],
  [['g', 'r'], 'Runners and queue'],
  [['g', 'a'], 'Audit log'],
  [['↑', '↓', '←', '→'], 'Move in a matrix or list; Enter opens what is chosen'],
  [['n', 'p'], 'Next and previous hit of the search in a log'],
  [['Esc'], 'Close, or leave a search field'],
];
const kPlaces: Record<string, string> = { b: '/', c: '/compare', t: '/trends', r: '/runners', a: '/audit' };
const kChordMs = 1200;  // between g and the letter after it

let help: HTMLDialogElement | null = null;

export function toggleHelp(): void {
  if (help?.open) {
    help.close();
    return;
  }
  help ??= document.body.appendChild(h<HTMLDialogElement>('dialog', { id: 'help', 'aria-labelledby': 'help-title' },
    h('h2', { id: 'help-title' }, 'Keyboard'),
    h('table', h('thead', h('tr', h('th', { scope: 'col' }, 'Keys'), h('th', { scope: 'col' }, 'What they do'))),
      h('tbody', kKeys.map(([keys, text]) =>
        h('tr', h('th', { scope: 'row', className: 'nowrap' }, keys.map((key) => [h('kbd', key), ' '])), h('td', text))))),
    h('button', { type: 'button', onclick: () => help?.close() }, 'Close')));
  help.showModal();
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, select, textarea');
}

export function startKeyboard(): void {
  let chordUntil = 0;
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) {
      if (event.key !== 'Escape') return;
      event.preventDefault();  // which would empty a search field
      (event.target as HTMLElement).blur();
      return;
    }
    if (document.querySelector('dialog.ask')) return;  // a question is answered first
    const place = kPlaces[event.key];
    if (event.timeStamp < chordUntil && place) go(place);
    else if (event.key === '?') toggleHelp();
    else if (event.key === '/') document.querySelector<HTMLInputElement>('input[type="search"]')?.focus();
    else if (event.key !== 'g') return;
    chordUntil = event.key === 'g' ? event.timeStamp + kChordMs : 0;
    event.preventDefault();
  });
}
