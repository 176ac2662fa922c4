/** Lines, or bars of counts, over time; drawn by uPlot within the frame that all charts over time share. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Anomaly, Release, Unit } from "../answer";
import * as format from "../format";
import type { Span } from "../range";
import { dark, token } from "../theme";
import type { Filters } from "../url";
import type { Box } from "./canvas";
import { flagUrl } from "./heatmap-chart";
import { axisOf, type Line, spreadLabels, table } from "./lines";
import { flagBars, releaseMarks } from "./marks";
import { axisLabel, linearTicks } from "./scale";
import type { Cursor } from "./selecting";
import { TimePlot } from "./time-plot";

interface Props {
  label: string;
  lines: readonly Line[];
  /** As bars from zero instead of lines; of the first line only. */
  bars?: boolean;
  unit: Unit;
  /** How a value reads, where the unit's own way won't do. */
  show?: (value: number) => string;
  /** The same for the axis. */
  axis?: (value: number) => string;
  span: Span;
  step: number;
  height: number;
  budget?: number | null;
  releases: readonly Release[];
  anomalies: readonly Anomaly[];
  filters: Filters;
  select?: Span | null;
  onSelect?: (span: Span | null) => void;
  onZoom?: (span: Span) => void;
  /** Called with a line's key when its name is clicked. */
  onPick?: ((key: string) => void) | undefined;
}

const BELOW_ZERO = 0.02;

export function LinesChart(props: Props) {
  const { lines, unit, span, step, height, bars = false, budget = null, select = null } = props;
  const show = props.show ?? ((value: number) => format.value(value, unit));
  const [bright, setBright] = useState<string | null>(null);
  const axis = useMemo(() => {
    const { min, max } = axisOf(lines, bars || unit === "count", budget);
    // a line along zero must not lie on the edge, which would cut it off
    return { min: min === 0 && !bars ? -max * BELOW_ZERO : min, max };
  }, [lines, bars, unit, budget]);
  const at = (value: number) => (value - axis.min) / (axis.max - axis.min);
  const ticks = linearTicks(axis.min, axis.max, Math.max(2, Math.floor(height / 42))).map((value) => ({
    at: at(value),
    label: props.axis?.(value) ?? axisLabel(value, unit),
  }));
  const showsBudget = budget !== null && budget > axis.min && budget < axis.max;
  const shown =
    bright === null
      ? lines
      : lines.map((line) =>
          line.key === bright ? { ...line, colour: "--selection", width: 2 } : { ...line, colour: "--rest", band: false },
        );
  return (
    <TimePlot
      label={`${props.label}: ${lines.map((line) => line.label).join(", ")}`}
      span={span}
      step={step}
      height={height}
      ticks={ticks}
      gridlines
      budget={showsBudget ? { at: at(budget), label: `good up to ${axisLabel(budget, unit)}` } : undefined}
      releases={(width) => releaseMarks(props.releases, span, width)}
      flags={flagBars(props.anomalies, props.filters, span)}
      flagUrl={flagUrl}
      select={select}
      onSelect={props.onSelect}
      onZoom={props.onZoom}
      read={(cursor) => readLines(lines, span, step, show, cursor)}
      legend={lines.length > 1 ? <Legend lines={lines} onBright={setBright} onPick={props.onPick} /> : undefined}
      end={lines.length > 1 ? <EndLabels lines={lines} at={at} height={height} onBright={setBright} onPick={props.onPick} /> : undefined}
    >
      {(box) => <Drawn lines={shown} bars={bars} span={span} step={step} axis={axis} box={box} />}
    </TimePlot>
  );
}

function readLines(lines: readonly Line[], span: Span, step: number, show: (value: number) => string, { column }: Cursor): string {
  const start = span.from + column * step;
  const words = lines.flatMap((line) => {
    const found = line.values.find((each) => Math.abs(each.at - start) < step / 2);
    if (found === undefined) return [];
    const sure = found.low === undefined || found.high === undefined ? "" : ` (${show(found.low)}–${show(found.high)})`;
    return [`${line.label} ${show(found.value)}${sure}, n = ${format.count(found.n)}`];
  });
  return words.length === 0 ? "no values" : words.join(" · ");
}

interface Naming {
  lines: readonly Line[];
  onBright: (key: string | null) => void;
  onPick: ((key: string) => void) | undefined;
}

const over = (key: string, onBright: (key: string | null) => void) => ({
  onPointerEnter: () => onBright(key),
  onPointerLeave: () => onBright(null),
  onFocus: () => onBright(key),
  onBlur: () => onBright(null),
});

/** The lines' names where they end; on a narrow screen the legend below stands for them. */
function EndLabels({ lines, at, height, onBright, onPick }: Naming & { at: (value: number) => number; height: number }) {
  const ends = lines.filter((line) => line.values.length > 0);
  const width = Math.min(200, 44 + 7 * Math.max(...lines.map(({ label }) => label.length)));
  const places = spreadLabels(
    ends.map((line) => at(line.values.at(-1)?.value ?? 0)),
    15 / height,
  );
  return (
    <div class="plot-end" role="group" aria-label="lines" style={{ width: `${width}px` }}>
      {ends.map((line, i) => (
        <button
          key={line.key}
          type="button"
          title={onPick === undefined ? line.label : `filter on ${line.label}`}
          style={{ bottom: `${(places[i] ?? 0) * 100}%` }}
          onClick={() => onPick?.(line.key)}
          {...over(line.key, onBright)}
        >
          <Swatch line={line} />
          <span class="cut">{line.label}</span>
        </button>
      ))}
    </div>
  );
}

function Legend({ lines, onBright, onPick }: Naming) {
  return (
    <span class="lines-legend">
      {lines.map((line) => (
        <button
          key={line.key}
          type="button"
          class="quiet"
          title={onPick === undefined ? line.label : `filter on ${line.label}`}
          onClick={() => onPick?.(line.key)}
          {...over(line.key, onBright)}
        >
          <Swatch line={line} />
          {line.label}
        </button>
      ))}
    </span>
  );
}

const Swatch = ({ line }: { line: Line }) => (
  <svg class="line-swatch" aria-hidden="true">
    <line
      x1="0"
      x2="18"
      y1="4"
      y2="4"
      stroke={`var(${line.colour})`}
      stroke-width="2"
      stroke-dasharray={line.dashed === true ? "4 3" : undefined}
    />
  </svg>
);

interface DrawnProps {
  lines: readonly Line[];
  bars: boolean;
  span: Span;
  step: number;
  axis: { min: number; max: number };
  box: Box;
}

function Drawn({ lines, bars, span, step, axis, box }: DrawnProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const data = useMemo(() => table(lines, span, step), [lines, span, step]);
  const looks = JSON.stringify([
    lines.map(({ key, colour, dashed, width, band }) => [key, colour, dashed, width, band]),
    bars,
    dark.value,
    span,
    axis,
  ]);
  useEffect(() => {
    if (host.current === null) return;
    const made = new uPlot(options(lines, bars, span, step, axis, box), data, host.current);
    plot.current = made;
    return () => made.destroy();
  }, [looks]);
  useEffect(() => plot.current?.setData(data), [data]);
  useEffect(() => plot.current?.setSize(box), [box]);
  return <div ref={host} class="plot-layer" aria-hidden="true" />;
}

function options(
  lines: readonly Line[],
  bars: boolean,
  span: Span,
  step: number,
  axis: { min: number; max: number },
  box: Box,
): uPlot.Options {
  const bands: uPlot.Band[] = [];
  const series: uPlot.Series[] = [{}];
  const paths = bars ? uPlot.paths.bars?.({ size: [0.8, 60] }) : undefined;
  for (const line of lines) {
    const colour = token(line.colour);
    series.push({
      stroke: colour,
      width: line.width ?? 1.6,
      points: { show: lines.length === 1 && line.values.length < 3 },
      ...(line.dashed === true ? { dash: [5, 3] } : {}),
      ...(paths === undefined ? {} : { paths, fill: colour, width: 0 }),
    });
    if (line.band === true) {
      bands.push({ series: [series.length, series.length + 1], fill: `${colour}2e` });
      series.push(
        { stroke: "transparent", width: 0, points: { show: false } },
        { stroke: "transparent", width: 0, points: { show: false } },
      );
    }
  }
  return {
    ...box,
    padding: [0, 0, 0, 0],
    axes: [{ show: false }, { show: false }],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: () => [span.from, span.from + Math.round((span.to - span.from) / step) * step] },
      y: { range: () => [axis.min, axis.max] },
    },
    series,
    bands,
  };
}
