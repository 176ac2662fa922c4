/** Distributions on a logarithmic axis: bars for one, a line for another over it. Pure, but for the drawing. */

import type { Bin } from "../answer";
import type { Thresholds } from "../rating";
import { total } from "../statistics";
import { type LogScale, scaleOf } from "./scale";

/** A bar in the plane [0, 1] x [0, 1]. */
export interface Bar {
  left: number;
  right: number;
  height: number;
  bin: Bin;
}

/**
 * Bars whose area is the share of values, so that wide bins don't look full. What lies beyond the axis
 * is left out; the tallest of all distributions drawn together has height 1, which `tallest` says.
 */
export function barsOf(bins: readonly Bin[], scale: LogScale, tallest: number): Bar[] {
  const n = total(bins);
  return bins.flatMap((bin) => {
    const edges = edgesOf(bin, scale);
    if (edges === null || bin.n === 0) return [];
    return [{ ...edges, height: Math.min(1, densityOf(bin, n, scale) / tallest), bin }];
  });
}

/**
 * The greatest density among distributions that are drawn on one axis. Zeros don't count: they have no
 * width on it, and where most values are zero their bar would leave nothing to see of the others.
 */
export function tallestOf(distributions: readonly (readonly Bin[])[], scale: LogScale): number {
  let most = 0;
  for (const bins of distributions) {
    const n = total(bins);
    for (const bin of bins) if (bin.from > 0) most = Math.max(most, densityOf(bin, n, scale));
  }
  return most > 0 ? most : 1;
}

function edgesOf(bin: Bin, scale: LogScale): { left: number; right: number } | null {
  if (bin.from <= 0) return scale.zero ? { left: 0, right: scale.at(scale.min) * 0.7 } : null;
  const [left, right] = [scale.at(bin.from), scale.at(bin.to)];
  return right > left && bin.to > scale.min ? { left, right } : null;
}

/** `n`: values in the whole distribution. */
function densityOf(bin: Bin, n: number, scale: LogScale): number {
  const edges = edgesOf(bin, scale);
  if (edges === null || n === 0) return 0;
  // the width that zeros are given is the axis's, so a common width stands for it
  const width = bin.from <= 0 ? 1 / 40 : edges.right - edges.left;
  return bin.n / n / width;
}

// so small a drawing shows the shape; a tail of one in a hundred would only narrow it
const TAIL = 0.01;
/** A distribution of fewer values is a few spikes, beside which all others would be flat. */
export const ENOUGH_FOR_SHAPE = 30;

/** A distribution, and how many values it comes from, before sampling weights. */
interface Sampled {
  bins: readonly Bin[];
  samples: number;
}

/** What the rows of a table share. */
export interface SharedAxis {
  scale: LogScale;
  tallest: number;
}

/** `rows` set the height, what they are drawn `against` is cut off where it is higher. */
export function sharedAxis(rows: readonly Sampled[], thresholds: Thresholds | null, against: readonly Sampled[] = []): SharedAxis {
  const merged = new Map<number, Bin>();
  for (const bin of [...rows, ...against].flatMap(({ bins }) => bins)) {
    const known = merged.get(bin.from);
    merged.set(bin.from, known === undefined ? bin : { ...bin, n: known.n + bin.n });
  }
  const scale = scaleOf(
    [...merged.values()].sort((a, b) => a.from - b.from),
    thresholds,
    TAIL,
  );
  const enough = rows.filter(({ samples }) => samples >= ENOUGH_FOR_SHAPE);
  const tallest = tallestOf(
    (enough.length > 0 ? enough : rows).map(({ bins }) => bins),
    scale,
  );
  return { scale, tallest };
}

/** A smooth line through the bars' tops, smoothed by one neighbour to each side as [x, y] in [0, 1]. */
export function outline(bars: readonly Bar[]): [number, number][] {
  if (bars.length === 0) return [];
  const points: [number, number][] = [];
  bars.forEach((bar, i) => {
    const [before, after] = [bars[i - 1], bars[i + 1]];
    // a gap between bars is a stretch without values: the line goes down to the axis
    const near = (other: Bar | undefined) =>
      other !== undefined && Math.min(Math.abs(other.left - bar.right), Math.abs(bar.left - other.right)) < 1e-6;
    const y = (2 * bar.height + (near(before) ? (before?.height ?? 0) : 0) + (near(after) ? (after?.height ?? 0) : 0)) / 4;
    if (!near(before)) points.push([bar.left, 0]);
    points.push([(bar.left + bar.right) / 2, y]);
    if (!near(after)) points.push([bar.right, 0]);
  });
  return points;
}

export interface Size {
  width: number;
  height: number;
}

export function drawBars(context: CanvasRenderingContext2D, bars: readonly Bar[], size: Size, colour: string): void {
  context.fillStyle = colour;
  for (const { left, right, height } of bars) {
    const [x0, x1] = [Math.round(left * size.width), Math.round(right * size.width)];
    const tall = Math.max(1, Math.round(height * size.height));
    const gap = x1 - x0 >= 3 ? 1 : 0;
    context.fillRect(x0, size.height - tall, Math.max(1, x1 - x0 - gap), tall);
  }
}

export function drawLine(
  context: CanvasRenderingContext2D,
  points: readonly [number, number][],
  size: Size,
  colour: string,
  width: number,
): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.beginPath();
  points.forEach(([x, y], i) => {
    const [px, py] = [x * size.width, size.height - width / 2 - y * (size.height - width)];
    if (i === 0) context.moveTo(px, py);
    else context.lineTo(px, py);
  });
  context.stroke();
}
