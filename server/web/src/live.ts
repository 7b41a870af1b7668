// Live events: server-sent events read by fetch, which, unlike EventSource, can carry a token. Streams rest while the
// page is hidden, because a browser allows one server six connections for all its tabs; they go on from the last id.
import { debounce } from './dom';
import { readToken } from './token';
import type { Change } from './types';

export interface ServerEvent { event: string; id: string; data: string }

/** Cuts a stream's text into events; what is not yet complete stays inside. */
export function eventParser(): (text: string) => ServerEvent[] {
  let rest = '';
  return (text) => {
    const parts = (rest + text).replaceAll('\r\n', '\n').split('\n\n');
    rest = parts.pop() ?? '';
    return parts.map(parseEvent).filter((event) => event.event !== '');
  };
}

function parseEvent(block: string): ServerEvent {
  const parsed: ServerEvent = { event: '', id: '', data: '' };
  for (const line of block.split('\n')) {
    const at = line.indexOf(':');
    if (at <= 0) continue;  // a comment is a heartbeat
    const value = line.slice(at + 1).replace(/^ /, '');
    const field = line.slice(0, at);
    if (field === 'event') parsed.event = value;
    else if (field === 'id') parsed.id = value;
    else if (field === 'data') parsed.data += (parsed.data === '' ? '' : '\n') + value;
  }
  return parsed;
}

type State = 'live' | 'lost' | 'connecting';
const kPauseFirst_ms = 500;
const kPauseMax_ms = 15_000;
const kBurst_ms = 150;  // changes come together, as those of a run's jobs

/** Follows a stream, `behind` the event of this id, until close() or its `end`; after a lost connection it asks again, at growing pauses. */
export function follow(address: string, take: (event: ServerEvent) => void, tell: (state: State) => void = () => {}, behind = ''): () => void {
  let last = behind;
  let pause_ms = kPauseFirst_ms;
  let timer = 0;
  let abort: AbortController | null = null;
  let closed = false;

  async function read(signal: AbortSignal): Promise<boolean> {
    const token = readToken();
    const response = await fetch(address, {
      signal, cache: 'no-store',
      headers: { Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}), ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    });
    if (!response.ok || !response.body) return response.status !== 404;
    tell('live');
    pause_ms = kPauseFirst_ms;
    const parse = eventParser();
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return true;
      for (const event of parse(decoder.decode(value, { stream: true }))) {
        if (event.id) last = event.id;
        take(event);
        if (event.event === 'end') return false;
      }
    }
  }

  async function run(): Promise<void> {
    abort = new AbortController();
    const { signal } = abort;
    let again = true;
    try {
      again = await read(signal);
    } catch {
      // The connection is gone; below is what follows.
    }
    if (signal.aborted || closed) return;
    if (!again) return close();
    tell('lost');
    timer = window.setTimeout(run, pause_ms);
    pause_ms = Math.min(2 * pause_ms, kPauseMax_ms);
  }

  function visibility(): void {
    clearTimeout(timer);
    abort?.abort();
    if (document.visibilityState === 'visible') void run();
  }

  function close(): void {
    closed = true;
    clearTimeout(timer);
    abort?.abort();
    document.removeEventListener('visibilitychange', visibility);
  }

  document.addEventListener('visibilitychange', visibility);
  if (document.visibilityState === 'visible') void run();
  return close;
}

type Listener = (change: Change | null) => void;
const listeners = new Set<Listener>();
let connectionListener: (state: State) => void = () => {};
let started = false;

export function onConnection(listener: (state: State) => void): void {
  connectionListener = listener;
}

/** Calls `listener` at each change of a run or job; with null where changes may have been missed. */
export function onChange(listener: Listener): () => void {
  listeners.add(listener);
  if (!started) {
    started = true;
    follow('/api/v1/events', (event) => {
      const known = event.event === 'run' || event.event === 'job';
      if (!known && event.event !== 'reset' && event.event !== 'hello') return;  // hello: what came before it was not seen
      const change = known ? (JSON.parse(event.data) as Change) : null;
      for (const other of [...listeners]) other(change);
    }, (state) => connectionListener(state));
  }
  return () => listeners.delete(listener);
}

/** Calls `load` after changes, once for those that come together, until the end, which also gives up what `abort` stops. */
export function reloadOnChange(load: () => void, abort: AbortController): () => void {
  const stop = onChange(debounce(kBurst_ms, load));
  return () => {
    abort.abort();
    stop();
  };
}
