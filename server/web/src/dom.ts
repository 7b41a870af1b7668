// Elements without a framework: every view builds its nodes once and changes the few that live data touches. Text always
// goes in as text, so nothing that a log or a key holds can become markup.

export type Child = Node | string | number | null | undefined | false | Child[];
type Value = string | number | boolean | null | undefined | ((event: never) => void) | Partial<CSSStyleDeclaration>;
export type Props = Record<string, Value>;

const kSvgNamespace = 'http://www.w3.org/2000/svg';

function setProp(node: Element, name: string, value: Value): void {
  if (value === null || value === undefined || value === false) return;
  if (typeof value === 'function') node.addEventListener(name.replace(/^on/, ''), value as EventListener);
  // Through the object model: the policy of the page forbids style attributes.
  else if (name === 'style') Object.assign((node as HTMLElement).style, value);
  else node.setAttribute(name === 'className' ? 'class' : name, value === true ? '' : String(value));
}

function fill(node: Element, children: Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) fill(node, child);
    else if (child instanceof Node) node.append(child);
    else if (child !== null && child !== undefined && child !== false) node.append(String(child));
  }
}

function isProps(value: Props | Child): value is Props {
  return typeof value === 'object' && value !== null && !(value instanceof Node) && !Array.isArray(value);
}

/** h('td.number', {title: 'x'}, 'text'): an element with classes, attributes and children. */
export function h<T extends HTMLElement = HTMLElement>(tag: string, props?: Props | Child, ...children: Child[]): T {
  const [name = 'div', ...classes] = tag.split('.');
  const node = document.createElement(name) as T;
  if (classes.length > 0) node.className = classes.join(' ');
  if (isProps(props)) {
    for (const [key, value] of Object.entries(props)) setProp(node, key, value);
  } else {
    fill(node, [props as Child]);
  }
  fill(node, children);
  return node;
}

export function svg(tag: string, props: Props = {}, ...children: Child[]): SVGElement {
  const node = document.createElementNS(kSvgNamespace, tag);
  for (const [key, value] of Object.entries(props)) setProp(node, key, value);
  fill(node, children);
  return node;
}

export function replace(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  fill(parent, children);
}

/** Says something to screen readers without moving the focus. */
export function announce(text: string): void {
  const region = document.getElementById('announcements');
  if (region && region.textContent !== text) region.textContent = text;
}

export function debounce(wait_ms: number, action: () => void): () => void {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = window.setTimeout(action, wait_ms);
  };
}
