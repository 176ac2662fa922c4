/** A heat map over time: each column is a window's distribution. */

import { useMemo } from "preact/hooks";
import type { Anomaly, Heatmap, Metric } from "../answer";
import * as format from "../format";
import { place, to, toPage } from "../place";
import type { Span } from "../range";
import { thresholdsOf } from "../rating";
import { sliceFilters } from "../slices";
import { dark } from "../theme";
import { type Box, useCanvas } from "./canvas";
import { draw, type Grid, gridOf, layout, rowAt, scaleFor } from "./heatmap";
import { type FlagBar, flagBars, releaseMarks } from "./marks";
import { LEVELS, ramp } from "./ramp";
import { type LogScale, valueTicks } from "./scale";
import type { Cursor } from "./selecting";
import { TimePlot } from "./time-plot";

interface Props {
  map: Heatmap;
  metric: Metric | undefined;
  anomalies: readonly Anomaly[];
  height: number;
  select?: Span | null;
  onSelect?: (span: Span | null) => void;
  onZoom?: (span: Span) => void;
}

export function HeatmapChart({ map, metric, anomalies, height, select = null, onSelect, onZoom }: Props) {
  const thresholds = thresholdsOf(metric);
  const grid = useMemo(() => gridOf(map), [map]);
  const scale = useMemo(() => scaleFor(grid, thresholds), [grid, thresholds?.good]);
  const ticks = valueTicks(scale, map.unit, thresholds, 22 / height);
  const read = (cursor: Cursor) => readCell(grid, scale, map, cursor);
  return (
    <TimePlot
      label={`Heat map of ${map.metric}, ${format.count(map.n)} values`}
      span={grid.span}
      step={grid.step}
      height={height}
      ticks={ticks}
      releases={(width) => releaseMarks(map.releases, grid.span, width)}
      flags={flagBars(anomalies, map.filter, grid.span)}
      flagUrl={flagUrl}
      select={select}
      onSelect={onSelect}
      onZoom={onZoom}
      read={read}
      nextRow={(y, up) => nextRow(grid, scale, y ?? 0.5, up)}
      legend={<Ramp />}
    >
      {() => <Cells grid={grid} scale={scale} />}
    </TimePlot>
  );
}

/** Where a flag leads: its slice, with the time around it selected. */
export function flagUrl(flag: FlagBar): string {
  const change = {
    page: "explore",
    metric: flag.metric,
    filters: sliceFilters(flag.slice),
    select: { from: flag.from, to: flag.to },
  } as const;
  return place.value.page === "explore" ? to(change) : toPage(change);
}

function Cells({ grid, scale }: { grid: Grid; scale: LogScale }) {
  const canvas = useCanvas(
    (context, size: Box) => draw(context, grid, layout(grid, scale, size.width, size.height), ramp(dark.value)),
    [grid, scale],
  );
  return <canvas ref={canvas} aria-hidden="true" />;
}

// as fine as any screen; what is read must not depend on how large the chart is drawn
const READ_HEIGHT = 4000;

function readCell(grid: Grid, scale: LogScale, map: Heatmap, { column, y }: Cursor): string {
  const all = grid.totals[column] ?? 0;
  if (all === 0) return "no values";
  const row = rowAt(layout(grid, scale, 1, READ_HEIGHT), (1 - (y ?? 0.5)) * (READ_HEIGHT - 1));
  const bounds = grid.rows[row];
  if (bounds === undefined) return `n = ${format.count(all)}`;
  const n = grid.counts[column * grid.rows.length + row] ?? 0;
  const between = bounds.from <= 0 ? `below ${format.value(bounds.to, map.unit)}` : format.interval(bounds.from, bounds.to, map.unit);
  return `${between}: ${format.count(n)} of ${format.count(all)}${n === 0 ? "" : ` (${format.percent(n / all)})`}`;
}

function nextRow(grid: Grid, scale: LogScale, y: number, up: boolean): number {
  const cells = layout(grid, scale, 1, READ_HEIGHT);
  const row = rowAt(cells, (1 - y) * (READ_HEIGHT - 1)) + (up ? 1 : -1);
  const [top, bottom] = [cells.top[row], cells.bottom[row]];
  return top === undefined || bottom === undefined || top === bottom ? y : 1 - (top + bottom) / 2 / READ_HEIGHT;
}

function Ramp() {
  const colours = ramp(dark.value);
  return (
    <span class="ramp" aria-hidden="true">
      few
      {[0, 0.2, 0.4, 0.6, 0.8, 1].map((part) => (
        <i key={part} style={{ background: colours[Math.round(part * (LEVELS - 1))] }} />
      ))}
      many
    </span>
  );
}
