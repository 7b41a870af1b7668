// Addresses are the state: a view reads everything it shows from path and query, and writes what its reader chose back,
// so that any address can be shared.

export interface Place {
  path: string;
  params: Record<string, string>;
  query: URLSearchParams;
  hash: string;
}

/** What a view hands back: how to end it, and, where it can, how to take a changed query without being built again. */
export interface View {
  close?: () => void;
  update?: (place: Place) => boolean;
}

export type Show = (place: Place, main: HTMLElement) => View | void;

export interface Page {
  pattern: string;
  title: string;
  show: Show;
}

export function match(pattern: string, path: string): Record<string, string> | null {
  const want = pattern.split('/');
  const have = path.split('/');
  if (want.length !== have.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of want.entries()) {
    const found = have[i] ?? '';
    if (part.startsWith(':') && found !== '') params[part.slice(1)] = decodeURIComponent(found);
    else if (part !== found) return null;
  }
  return params;
}

let render: (address: URL, moved: boolean) => void = () => {};

/** Goes to an address of this page and shows it. */
export function go(address: string): void {
  history.pushState(null, '', address);
  render(new URL(location.href), true);
}

/** Writes a choice into the address; null takes it out. The view has already drawn it, so nothing is built again. */
export function remember(changes: Record<string, string | null>, hash?: string): void {
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === '') address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  if (hash !== undefined) address.hash = hash;
  history.replaceState(null, '', address);
}

function followsHere(event: MouseEvent): HTMLAnchorElement | null {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return null;
  const link = (event.target as Element).closest?.('a');
  if (!link || link.origin !== location.origin || link.target !== '' || link.hasAttribute('download')) return null;
  return /^\/(api|badge|metrics)\b/.test(link.pathname) ? null : link;
}

export function startRouter(show: (address: URL, moved: boolean) => void): void {
  render = show;
  document.addEventListener('click', (event) => {
    const link = followsHere(event);
    if (!link) return;
    const stays = link.pathname === location.pathname && link.search === location.search;
    if (stays && link.hash !== '') return;  // the browser knows how to jump
    event.preventDefault();
    go(link.href);
  });
  window.addEventListener('popstate', () => render(new URL(location.href), false));
  render(new URL(location.href), false);
}

export function address(path: string, query: Record<string, string | number | null | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== '') search.set(name, String(value));
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}
