// Questions to the API of the server that sent this page. Answers are kept with their ETag, so that looking again costs
// a 304. What went wrong comes as a Problem (RFC 9457) and is shown with what to do about it.

import { readToken } from './token';

export class Problem extends Error {
  constructor(readonly title: string, readonly detail: string, readonly next: string, readonly status: number) {
    super(detail);
  }
}

function authorization(): Record<string, string> {
  const token = readToken();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

interface Kept {
  tag: string;
  value: unknown;
}

const kKeptMax = 60;  // answers; the largest are curves of some 100 KB
const kept = new Map<string, Kept>();

async function problem(response: Response): Promise<Problem> {
  try {
    const body = await response.json();
    return new Problem(body.title, body.detail, body.next, response.status);
  } catch {
    return new Problem(response.statusText || 'Error', `The server answered ${response.status}.`,
      'Load the page again; if that does not help, the log of smgate-server says more.', response.status);
  }
}

async function send(address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(address, init);
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    throw new Problem('No answer', 'The server cannot be reached.',
      'Is smgate-server running, and does your network reach it? This page tries again by itself when it is back.', 0);
  }
}

export async function get<T>(address: string, signal?: AbortSignal): Promise<T> {
  const known = kept.get(address);
  const response = await send(address, { signal, headers: { ...authorization(), ...(known ? { 'If-None-Match': known.tag } : {}) },
    cache: 'no-store' });
  if (response.status === 304 && known) return known.value as T;
  if (!response.ok) throw await problem(response);
  const value = await response.json();
  const tag = response.headers.get('ETag');
  kept.delete(address);
  if (tag) kept.set(address, { tag, value });
  if (kept.size > kKeptMax) kept.delete(kept.keys().next().value as string);
  return value as T;
}

/** Asks for a change, by this token. */
export async function post<T>(address: string, token: string, body?: unknown): Promise<T> {
  const response = await send(address, {
    method: 'POST', cache: 'no-store', body: body === undefined ? null : JSON.stringify(body),
    headers: { Authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
  });
  if (!response.ok) throw await problem(response);
  return (await response.json()) as T;
}

export interface Bytes {
  bytes: Uint8Array;
  total: number;  // how long the whole is now
}

/** Bytes `first` to `last` of a log; none where it has not grown so far. */
export async function getRange(address: string, first: number, last: number | null, signal?: AbortSignal): Promise<Bytes> {
  const response = await send(address, { signal, headers: { ...authorization(), Range: `bytes=${first}-${last ?? ''}` }, cache: 'no-store' });
  const total = Number(/\/(\d+)$/.exec(response.headers.get('Content-Range') ?? '')?.[1] ?? NaN);
  if (response.status === 416) return { bytes: new Uint8Array(), total: Number.isNaN(total) ? first : total };
  if (!response.ok) throw await problem(response);
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { bytes, total: Number.isNaN(total) ? first + bytes.length : total };
}
