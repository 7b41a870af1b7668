// Curves of several jobs on one axis, their tolerance band, and where they part. Pure.
import { plain } from './format';
import type { Curve } from './types';

export const kTolerance = 0.05;  // DS-7: every step within 5 %

export interface Line {
  label: string;
  step: number[];
  value: (number | null)[];
}

export function line(label: string, curve: Curve): Line {
  return {
    label, step: curve.points.step,
    value: curve.points.loss.map((loss) => {
      const number = plain(loss);
      return number !== null && Number.isFinite(number) ? number : null;
    }),
  };
}

/** The value at a step, between the two points beside it where the curve was thinned out. */
export function at(curve: Line, step: number): number | null {
  let low = 0;
  let high = curve.step.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((curve.step[middle] as number) < step) low = middle + 1;
    else high = middle;
  }
  const right = curve.step[low];
  if (right === undefined || right < step) return null;
  if (right === step) return curve.value[low] ?? null;
  const left = curve.step[low - 1];
  if (left === undefined) return null;
  const [a, b] = [curve.value[low - 1] ?? null, curve.value[low] ?? null];
  return a === null || b === null ? null : a + ((b - a) * (step - left)) / (right - left);
}

export interface Overlay {
  x: number[];
  values: (number | null)[][];
  upper: (number | null)[];
  lower: (number | null)[];
}

/** All lines over the union of their steps; the band lies around the first. */
export function overlay(lines: Line[]): Overlay {
  const x = [...new Set(lines.flatMap((one) => one.step))].sort((a, b) => a - b);
  const values = lines.map((one) => x.map((step) => at(one, step)));
  const reference = lines.length > 1 ? (values[0] ?? []) : [];
  const edge = (factor: number) => reference.map((value) => (value === null ? null : value + Math.abs(value) * factor));
  return { x, values, upper: edge(kTolerance), lower: edge(-kTolerance) };
}

export interface Parting {
  step: number;
  difference: number;  // as a share of the first curve
  kind: 'parts' | 'ends';
}

/** The first step at which the other curve leaves the band of the first, or ends before it. */
export function parting(first: Line, other: Line): Parting | null {
  for (const [i, step] of other.step.entries()) {
    const [a, b] = [at(first, step), other.value[i] ?? null];
    if (a === null || a === 0) continue;
    if (b === null) return { step, difference: NaN, kind: 'parts' };
    if (Math.abs(b - a) > kTolerance * Math.abs(a)) return { step, difference: (b - a) / a, kind: 'parts' };
  }
  const [lastFirst, lastOther] = [first.step.at(-1), other.step.at(-1)];
  if (lastFirst === undefined || lastOther === undefined || lastOther >= lastFirst) return null;
  return { step: lastOther, difference: 0, kind: 'ends' };
}
