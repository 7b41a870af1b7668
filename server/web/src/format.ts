// How numbers, times and names read. Pure; units last.
import type { Num } from './types';

export const kNoValue = '–';

export function plain(value: Num | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'number' ? value : Number(value);
}

export function loss(value: Num | null | undefined): string {
  if (value === null || value === undefined) return kNoValue;
  return typeof value === 'number' ? value.toFixed(4) : value;
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? kNoValue : value.toLocaleString('en-US');
}

/** Three significant digits, with a letter for thousands: 12.3 k. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return kNoValue;
  const steps: [number, string][] = [[1e9, ' G'], [1e6, ' M'], [1e3, ' k']];
  for (const [size, letter] of steps) if (Math.abs(value) >= size) return three(value / size) + letter;
  return three(value);
}

function three(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(size >= 100 ? 4 : 3)));
}

/** Six significant digits: as many as tell two losses apart. */
export function digits(value: number): string {
  return String(Number(value.toPrecision(6)));
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return kNoValue;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    ++unit;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit]}`;
}

export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return kNoValue;
  if (ms === 0) return '0';
  if (ms < 0.001) return `${Math.round(ms * 1e6)} ns`;
  if (ms < 1) return `${Number((ms * 1000).toPrecision(3))} µs`;
  if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** 3 min ago; the exact time belongs into the title. */
export function ago(time: string | null | undefined, now_ms: number): string {
  if (!time) return kNoValue;
  const seconds = Math.round((now_ms - Date.parse(time)) / 1000);
  if (seconds < 5) return 'now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}

export function exactTime(time: string | null | undefined): string {
  return time ? `${time.slice(0, 10)} ${time.slice(11, 19)} UTC` : kNoValue;
}

export function sha(commit: string | null | undefined): string {
  return commit ? commit.slice(0, 10) : kNoValue;
}

export function percent(value: number): string {
  const share = value * 100;
  return `${share > 0 ? '+' : ''}${Math.abs(share) >= 10 ? share.toFixed(0) : share.toFixed(1)} %`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** prewarm_key_collision reads "prewarm key collision"; the id itself stays searchable in the title. */
export function words(id: string): string {
  return id.replaceAll('_', ' ');
}
