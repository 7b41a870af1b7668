// What a reader asks of the server: run again, cancel, approve, drain. Each is asked for once more in a dialog, which also
// takes the token; that stays in this tab, and travels in a header alone.
import { post, Problem } from './api';
import { announce, h, replace, type Child } from './dom';
import { keepActionToken, readActionToken } from './token';

export interface Action {
  verb: string;  // on the button
  title: string;
  text: Child;
  address: string;
  scope: 'rerun' | 'cancel' | 'approve' | 'drain';
  body?: unknown;
  done?: () => void;  // where no live event tells of it
}

function open(action: Action): void {
  const kept = readActionToken();
  const field = h<HTMLInputElement>('input', { type: 'password', autocomplete: 'off', spellcheck: 'false' });
  const entry = h('label.token', { hidden: kept !== null }, `Token with the scope ${action.scope}`, field);
  const other = h('button.bare', { type: 'button', hidden: kept === null, onclick: () => ask() }, 'Use another token');
  const trouble = h('div', { role: 'alert' });
  const go = h('button.strong', { type: 'button', onclick: () => void act() }, action.verb);
  const dialog = h<HTMLDialogElement>('dialog.ask', { 'aria-labelledby': 'ask-title' }, h('h2', { id: 'ask-title' }, action.title), h('p', action.text),
    entry, trouble, h('div.toolbar', go, h('button', { type: 'button', onclick: () => dialog.close() }, 'Close'), other));

  function ask(): void {
    entry.hidden = false;
    other.hidden = true;
    field.focus();
  }

  async function act(): Promise<void> {
    const token = entry.hidden ? (kept ?? '') : field.value.trim();
    if (token === '') return ask();
    go.setAttribute('disabled', '');
    try {
      const { text } = await post<{ text: string }>(action.address, token, action.body);
      keepActionToken(token);
      dialog.close();
      announce(text);
      action.done?.();
    } catch (error) {
      const known = error instanceof Problem;
      replace(trouble, h('p.bad-text', known ? error.detail : String(error)), known && h('p.small.quiet', h('strong', 'What to do: '), error.next));
      if (known && (error.status === 401 || error.status === 403)) ask();
    } finally {
      go.removeAttribute('disabled');
    }
  }

  field.addEventListener('keydown', (event) => event.key === 'Enter' && void act());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  (kept === null ? field : go).focus();
}

export function actionButton(action: Action): HTMLElement {
  return h('button', { type: 'button', 'aria-haspopup': 'dialog', onclick: () => open(action) }, action.verb);
}
