// States of kernel keys: a colour, a symbol and a word each, and what they mean.
import { h } from './dom';
import type { KeyState } from './types';

export const kStates: Record<KeyState, { symbol: string; tone: string; means: string }> = {
  missing: { symbol: '✕', tone: 'bad', means: 'asked for, and nobody had warmed it' },
  drifted: { symbol: '≠', tone: 'bad', means: 'asked for; a warmed key differs from it in tokens' },
  collided: { symbol: '⊗', tone: 'bad', means: 'its body was offered under a key that was taken' },
  skipped: { symbol: '↷', tone: 'bad', means: 'its pre-warm ended without doing anything' },
  unused: { symbol: '○', tone: 'unsure', means: 'warmed, and nothing asked for it' },
  warmed: { symbol: '◐', tone: 'unsure', means: 'warmed; the run does not report what it asks for' },
  used: { symbol: '✓', tone: 'good', means: 'warmed, and asked for' },
};

export function stateMark(state: KeyState | null): HTMLElement {
  if (!state) return h('span.state.none', h('span', { 'aria-hidden': 'true' }, '·'), ' ', h('span', 'absent'));
  const { symbol, tone } = kStates[state];
  return h(`span.state.${tone}`, h('span', { 'aria-hidden': 'true' }, symbol), ' ', h('span', state));
}
