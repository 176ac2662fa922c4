/** From the API's heat map to cells on a canvas. Pure, but for the drawing at the end. */

import type { Bin, Bounds, Heatmap } from "../answer";
import { type Span, seconds } from "../range";
import type { Thresholds } from "../rating";
import { level } from "./ramp";
import { type LogScale, scaleOf } from "./scale";

/** Counts by column (time) and row (value). */
export interface Grid {
  span: Span;
  step: number;
  columns: number;
  rows: readonly Bounds[];
  /** Row by row within a column: the count of column `c` and row `r` is at `c * rows.length + r`. */
  counts: Float64Array;
  /** The greatest of them. */
  max: number;
  /** Values in each column. */
  totals: Float64Array;
}

export function gridOf(map: Pick<Heatmap, "from" | "to" | "step_s" | "rows" | "columns">): Grid {
  const span = { from: seconds(map.from), to: seconds(map.to) };
  const columns = Math.max(1, Math.ceil((span.to - span.from) / map.step_s));
  const counts = new Float64Array(columns * map.rows.length);
  const totals = new Float64Array(columns);
  let max = 0;
  for (const column of map.columns) {
    const c = Math.floor((seconds(column.at) - span.from) / map.step_s);
    if (c < 0 || c >= columns) continue;
    totals[c] = column.n;
    for (const [r, n] of column.cells) {
      counts[c * map.rows.length + r] = n;
      max = Math.max(max, n);
    }
  }
  return { span, step: map.step_s, columns, rows: map.rows, counts, max, totals };
}

/** The distribution of the columns `[from, to)`, in the heat map's own rows. */
export function binsOf(grid: Grid, from = 0, to = grid.columns): Bin[] {
  return grid.rows.map((row, r) => {
    let n = 0;
    for (let c = from; c < to; c += 1) n += grid.counts[c * grid.rows.length + r] ?? 0;
    return { ...row, n };
  });
}

export const scaleFor = (grid: Grid, thresholds: Thresholds | null): LogScale => scaleOf(binsOf(grid), thresholds);

/** Where a grid's cells lie, in whole device pixels, so that no seam shows between them. */
export interface Layout {
  /** Left edges of the columns, and the right edge of the last: one more than there are columns. */
  x: Int32Array;
  /** For each row its top and bottom; equal for a row that is beyond the axis. */
  top: Int32Array;
  bottom: Int32Array;
  /** The row that a row's counts are drawn in: its own, or the outermost one that is on the axis. */
  shownIn: Int32Array;
}

export function layout(grid: Grid, scale: LogScale, width: number, height: number): Layout {
  const x = Int32Array.from({ length: grid.columns + 1 }, (_, c) => Math.round((c / grid.columns) * width));
  const rows = grid.rows.length;
  const [top, bottom] = [new Int32Array(rows), new Int32Array(rows)];
  const y = (value: number) => Math.round((1 - scale.at(value)) * height);
  const onAxis = (row: Bounds) => (row.from <= 0 && scale.zero) || (row.to > scale.min && row.from < scale.max && row.from > 0);
  let [first, last] = [-1, -1];
  grid.rows.forEach((row, r) => {
    if (!onAxis(row)) return;
    if (first === -1) first = r;
    last = r;
    top[r] = row.from <= 0 ? y(scale.min) : y(row.to);
    bottom[r] = row.from <= 0 ? height : y(Math.max(row.from, scale.min));
    if ((bottom[r] ?? 0) <= (top[r] ?? 0)) bottom[r] = (top[r] ?? 0) + 1;
  });
  const shownIn = Int32Array.from(grid.rows, (row, r) => (onAxis(row) || first === -1 ? r : Math.min(last, Math.max(first, r))));
  return { x, top, bottom, shownIn };
}

/** Fewer in a cell are never drawn as many, even where no cell has more. */
const MANY = 8;

/**
 * Counts as they are shown: what lies beyond the axis counts in its outermost row. The greatest is that of
 * the values above zero, where there are any: zeros gather in one row and would pale all others.
 */
export function shownCounts(grid: Grid, { shownIn }: Layout): { counts: Float64Array; max: number } {
  const rows = grid.rows.length;
  const counts = new Float64Array(grid.counts.length);
  let [max, zeros] = [0, 0];
  for (let i = 0; i < counts.length; i += 1) {
    const row = shownIn[i % rows] ?? 0;
    const at = i - (i % rows) + row;
    const n = (counts[at] ?? 0) + (grid.counts[i] ?? 0);
    counts[at] = n;
    if ((grid.rows[row]?.from ?? 0) > 0) max = Math.max(max, n);
    else zeros = Math.max(zeros, n);
  }
  return { counts, max: Math.max(MANY, max > 0 ? max : zeros) };
}

/** The row whose cell lies at `y` pixels from the top; -1 for none. */
export function rowAt({ top, bottom }: Layout, y: number): number {
  return top.findIndex((edge, r) => y >= edge && y < (bottom[r] ?? 0));
}

export function draw(context: CanvasRenderingContext2D, grid: Grid, cells: Layout, colours: readonly string[]): void {
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  const { counts, max } = shownCounts(grid, cells);
  const rows = grid.rows.length;
  for (let c = 0; c < grid.columns; c += 1) {
    const [left, right] = [cells.x[c] ?? 0, cells.x[c + 1] ?? 0];
    for (let r = 0; r < rows; r += 1) {
      const n = counts[c * rows + r] ?? 0;
      if (n === 0) continue;
      context.fillStyle = colours[level(n, max)] ?? "";
      const top = cells.top[r] ?? 0;
      context.fillRect(left, top, right - left, (cells.bottom[r] ?? 0) - top);
    }
  }
}
