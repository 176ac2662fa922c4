/** Axes of values: logarithmic, with a place for zero where the metric has zeros. Pure. */

import type { Bounds, Unit } from "../answer";
import type { Thresholds } from "../rating";

/** The part of the axis that zeros take, where there are any. */
const ZERO_PART = 0.06;

/** A logarithmic axis from `min` to `max`, both above 0. */
export interface LogScale {
  min: number;
  max: number;
  /** Whether values below `min` have a place of their own at the axis's start. */
  zero: boolean;
  /** Where a value stands, in [0, 1] from the low end. */
  at: (value: number) => number;
  /** The value at a place. */
  value: (at: number) => number;
}

export function logScale(min: number, max: number, zero = false): LogScale {
  const start = zero ? ZERO_PART : 0;
  const span = Math.log(max / min);
  const clamp = (at: number) => Math.min(1, Math.max(0, at));
  return {
    min,
    max,
    zero,
    at: (value) => (value < min && zero ? 0 : clamp(start + (1 - start) * (value <= 0 ? 0 : Math.log(value / min) / span))),
    value: (at) => (at < start ? 0 : min * Math.exp(((at - start) / (1 - start)) * span)),
  };
}

/** How often values lie in `[from, to)`. */
interface Counted extends Bounds {
  n: number;
}

/** The part of values at each end that need not stand on the axis; they are drawn at its edge. */
const BEYOND = 0.0004;

/**
 * The axis that shows `bins` best: all but the outermost values (the part `beyond` at each end), both
 * thresholds with some room, and a place for zero where a bin begins there.
 */
export function scaleOf(bins: readonly Counted[], thresholds: Thresholds | null, beyond = BEYOND): LogScale {
  const counted = bins.filter((bin) => bin.n > 0);
  const positive = counted.filter((bin) => bin.from > 0);
  const n = positive.reduce((sum, bin) => sum + bin.n, 0);
  let [low, high] = [Number.POSITIVE_INFINITY, 0];
  let seen = 0;
  for (const bin of positive) {
    if (seen + bin.n > n * beyond && low === Number.POSITIVE_INFINITY) low = bin.from;
    if (seen < n * (1 - beyond)) high = bin.to;
    seen += bin.n;
  }
  if (thresholds !== null) {
    low = Math.min(low, thresholds.good / 2);
    high = Math.max(high, thresholds.poor * 1.5);
  }
  if (!(low < high)) [low, high] = [1, 10];
  // a score of a ten-thousandth is no different from none; more than four decades hide the rest
  return logScale(
    Math.max(low, high / 10_000),
    high,
    counted.some((bin) => bin.from <= 0),
  );
}

export interface ValueTick {
  value: number;
  /** In [0, 1] from the low end. */
  at: number;
  label: string;
}

/** Ticks at round values, `gap` of the axis apart at least. The thresholds come first and take the room. */
export function valueTicks(scale: LogScale, unit: Unit, thresholds: Thresholds | null, gap: number): ValueTick[] {
  const round = [-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((power) => 10 ** power);
  const wanted = [
    ...(thresholds === null ? [] : [thresholds.good, thresholds.poor]),
    ...(scale.zero ? [0] : []),
    ...round,
    ...round.flatMap((ten) => [2.5 * ten, 5 * ten]),
  ];
  const ticks: ValueTick[] = [];
  for (const value of wanted) {
    const at = value === 0 ? ZERO_PART / 3 : scale.at(value);
    const inside = value === 0 || (value >= scale.min * 0.999 && value <= scale.max * 1.001);
    if (inside && ticks.every((tick) => Math.abs(tick.at - at) >= gap)) ticks.push({ value, at, label: axisLabel(value, unit) });
  }
  return ticks.sort((a, b) => a.at - b.at);
}

/** Round ticks of a linear axis from 0 (or `min`) to `max`. */
export function linearTicks(min: number, max: number, most: number): number[] {
  const rough = (max - min) / Math.max(1, most);
  if (!(rough > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((part) => part * power).find((candidate) => candidate >= rough) ?? 10 * power;
  const ticks: number[] = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max * (1 + 1e-9); i += 1) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** A round value as short as an axis wants it: `250 ms`, `2.5 s`, `0.1`. */
export function axisLabel(value: number, unit: Unit): string {
  if (value === 0) return "0";
  const short = (number: number) => String(Number(number.toPrecision(3)));
  // each scale from its own size on
  const scaled = (scales: readonly (readonly [number, string])[]) => {
    const [scale, name] = scales.find(([least]) => Math.abs(value) >= least) ?? scales.at(-1) ?? [1, ""];
    return name === "" ? short(value / scale) : `${short(value / scale)}\u00a0${name}`;
  };
  switch (unit) {
    case "ms":
      return scaled(
        Math.abs(value) < 1000
          ? [[1, "ms"]]
          : [
              [3_600_000, "h"],
              [60_000, "min"],
              [1000, "s"],
            ],
      );
    case "score":
      return short(value);
    case "bytes":
      return scaled([
        [1e9, "GB"],
        [1e6, "MB"],
        [1e3, "kB"],
        [1, "B"],
      ]);
    case "count":
      return scaled([
        [1e9, "B"],
        [1e6, "M"],
        [1e3, "k"],
        [1, ""],
      ]);
    case "per_second":
      return `${short(value)}/s`;
  }
}
