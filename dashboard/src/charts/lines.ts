/** Series as uPlot draws them: each a line with its interval as a band. Pure, but for the options' callbacks. */

import type uPlot from "uplot";
import type { Point, TimeseriesSeries } from "../answer";
import { type Span, STEPS, seconds } from "../range";

export interface Line {
  key: string;
  label: string;
  /** A token's name, such as `--accent`. */
  colour: string;
  dashed?: boolean;
  width?: number;
  /** Whether its interval is drawn. */
  band?: boolean;
  values: readonly LineValue[];
}

export interface LineValue {
  /** The window's start, in seconds since the epoch. */
  at: number;
  value: number;
  low?: number | undefined;
  high?: number | undefined;
  n: number;
  /** Whether it is a quantile of too few values to mean much. */
  few?: boolean;
}

/** On each side of a quantile there are so many values at least: 4 for a median, 8 for a p75, 40 for a p95. */
const BEYOND_MIN = 2;

/** The values of the `i`-th quantile that was asked for. */
export function quantileValues(points: readonly Point[], i: number): LineValue[] {
  return points.flatMap((point) => {
    const quantile = point.quantiles[i];
    if (quantile === undefined) return [];
    const { q, value, low, high } = quantile;
    return [{ at: seconds(point.at), value, low, high, n: point.n, few: point.samples * Math.min(q, 1 - q) < BEYOND_MIN }];
  });
}

/** Without the windows that have too few values, where others of the chart have enough: a quantile of three draws a peak that says nothing. */
export function steady(lines: readonly Line[]): Line[] {
  const sure = lines.map((line) => ({ ...line, values: line.values.filter(({ few }) => few !== true) }));
  return sure.some(({ values }) => values.length > 1) ? sure : [...lines];
}

/** From about this many values on, a p75 has an interval. */
const STEADY = 30;
/** Lines keep this many windows at least, however few values are in them. */
const WINDOWS_MIN = 12;

/**
 * A step so wide that the usual window of `series`, which has windows of `step`, would have enough values for its p75; `step` when it
 * has. Of several series the larger half counts: for the rare ones no window is wide enough.
 */
export function steadyStep(series: readonly Pick<TimeseriesSeries, "n" | "points">[], step: number, span: Span): number {
  const larger = [...series].sort((a, b) => b.n - a.n).slice(0, Math.ceil(series.length / 2));
  const samples = larger.flatMap(({ points }) => points.map((point) => point.samples)).sort((a, b) => a - b);
  const usual = samples[Math.floor(samples.length / 2)] ?? STEADY;
  const wanted = step * (STEADY / Math.max(1, usual));
  const widest = (span.to - span.from) / WINDOWS_MIN;
  return STEPS.find((each) => each >= step && each >= Math.min(wanted, widest)) ?? step;
}

/**
 * The columns that uPlot wants: the windows' middles, then for each line its value, and where it has a band
 * its high and low. Windows without a value are `null`, so that a gap stays a gap.
 */
export function table(lines: readonly Line[], span: Span, step: number): uPlot.AlignedData {
  const columns = Math.max(1, Math.round((span.to - span.from) / step));
  const empty = () => Array.from({ length: columns }, (): number | null => null);
  const series = lines.flatMap((line) => {
    const [value, high, low] = [empty(), empty(), empty()];
    for (const each of line.values) {
      const c = Math.round((each.at - span.from) / step);
      if (c < 0 || c >= columns) continue;
      value[c] = each.value;
      high[c] = each.high ?? each.value;
      low[c] = each.low ?? each.value;
    }
    return line.band === true ? [value, high, low] : [value];
  });
  return [Array.from({ length: columns }, (_, c) => span.from + (c + 0.5) * step), ...series];
}

/** A linear axis that holds the lines and most of their bands, from zero where `zero` asks for it. */
export function axisOf(lines: readonly Line[], zero: boolean, budget: number | null): { min: number; max: number } {
  const values = lines.flatMap((line) => line.values.map(({ value }) => value));
  if (values.length === 0) return { min: 0, max: 1 };
  // a window with few values has an interval that reaches anywhere: nine of ten bands are held
  const highs = lines
    .flatMap((line) => (line.band === true ? line.values.map(({ value, high }) => high ?? value) : []))
    .sort((a, b) => a - b);
  let [min, max] = [Math.min(...values), Math.max(...values, highs[Math.floor(highs.length * 0.9)] ?? 0)];
  if (budget !== null && budget < max * 1.6 && budget > min * 0.6) [min, max] = [Math.min(min, budget), Math.max(max, budget)];
  const room = Math.max((max - min) * 0.12, max * 0.04, 1e-9);
  // a small wobble far from zero must not fill the chart, so the axis spans a third of the value at least
  const low = Math.min(min - room, max * 0.7);
  return { min: zero || low < max * 0.25 ? 0 : Math.max(0, low), max: max + room };
}

/** Places for labels at the lines' ends, in [0, 1] from the bottom, `gap` apart at least. */
export function spreadLabels(wanted: readonly number[], gap: number): number[] {
  const order = wanted.map((at, i) => ({ at, i })).sort((a, b) => a.at - b.at);
  const places = order.map(({ at }) => at);
  for (let i = 1; i < places.length; i += 1) places[i] = Math.max(places[i] ?? 0, (places[i - 1] ?? 0) + gap);
  const over = (places.at(-1) ?? 0) - 1;
  if (over > 0) {
    places[places.length - 1] = 1;
    for (let i = places.length - 2; i >= 0; i -= 1) places[i] = Math.min(places[i] ?? 0, (places[i + 1] ?? 1) - gap);
  }
  const answer: number[] = [];
  order.forEach(({ i }, rank) => {
    answer[i] = Math.max(0, places[rank] ?? 0);
  });
  return answer;
}
