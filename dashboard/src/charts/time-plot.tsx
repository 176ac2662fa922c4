/**
 * The frame that every chart over time stands in: its axes, releases, flags, the cursor that mouse and
 * arrow keys move, and the selection that is dragged. What is inside is painted by the children.
 */

import type { ComponentChildren } from "preact";
import { now } from "../live";
import type { Span } from "../range";
import { clock, spanName, timeTicks } from "../time";
import { type Box, useBox } from "./canvas";
import type { FlagBar, ReleaseMark } from "./marks";
import { type Cursor, useSelecting } from "./selecting";

export interface YTick {
  /** In [0, 1] from the bottom. */
  at: number;
  label: string;
}

export interface TimePlotProps {
  /** What a screen reader says of the whole. */
  label: string;
  span: Span;
  /** The width of a window, in seconds; windows begin at `span.from`. */
  step: number;
  height: number;
  ticks: readonly YTick[];
  gridlines?: boolean;
  /** A threshold's line, in [0, 1] from the bottom. */
  budget?: { at: number; label: string } | undefined;
  releases: (width: number) => readonly ReleaseMark[];
  flags: readonly FlagBar[];
  flagUrl: (flag: FlagBar) => string;
  select?: Span | null;
  onSelect?: ((span: Span | null) => void) | undefined;
  onZoom?: ((span: Span) => void) | undefined;
  /** What the cursor is on, in words. */
  read: (cursor: Cursor) => string;
  /** Moves the cursor up or down a row; without it there are no rows. */
  nextRow?: (y: number | null, up: boolean) => number;
  legend?: ComponentChildren;
  /** What stands to the right of the plot. */
  end?: ComponentChildren;
  children: (box: Box) => ComponentChildren;
}

const FLAG_LANE_PX = 7;

export function TimePlot(props: TimePlotProps) {
  const { span, step, height, ticks, flags } = props;
  const [area, box] = useBox<HTMLDivElement>();
  const columns = Math.max(1, Math.round((span.to - span.from) / step));
  const selecting = useSelecting({ ...props, columns, box });
  const { cursor, byKey } = selecting;
  const lanes = flags.reduce((most, flag) => Math.max(most, flag.lane + 1), 0);
  const words =
    cursor === null
      ? ""
      : `${spanName({ from: span.from + cursor.column * step, to: span.from + (cursor.column + 1) * step }, now.value)}: ${props.read(cursor)}`;
  return (
    <figure class="plot">
      <div class="plot-y" aria-hidden="true">
        {ticks.map((tick) => (
          <span key={tick.label} style={{ bottom: `${tick.at * 100}%` }}>
            {tick.label}
          </span>
        ))}
      </div>
      <div
        ref={area}
        class="plot-area"
        style={{ height: `${height}px` }}
        tabIndex={0}
        role="application"
        aria-roledescription="chart"
        aria-label={`${props.label}. Arrow keys read it${props.onSelect === undefined ? "" : ", with Shift they select a time range, Enter zooms to it, Escape clears it"}.`}
        {...selecting.handlers}
      >
        <Under {...props} />
        {box.width > 0 && props.children(box)}
        <Over {...props} columns={columns} selection={selecting.selection} cursor={cursor} />
        <Releases marks={props.releases(box.width)} />
        {props.budget !== undefined && (
          <span class="plot-note good" style={{ left: 0, bottom: `${props.budget.at * 100}%` }}>
            {props.budget.label}
          </span>
        )}
      </div>
      {props.end}
      {lanes > 0 && (
        <div class="plot-flags" style={{ height: `${lanes * FLAG_LANE_PX}px` }}>
          {flags.map((flag) => (
            <Flag key={`${flag.words} ${flag.from}`} flag={flag} url={props.flagUrl(flag)} />
          ))}
        </div>
      )}
      <TimeAxis span={span} width={box.width} />
      <figcaption class="plot-foot">
        <output aria-live={byKey ? "polite" : "off"}>{words}</output>
        {props.legend}
      </figcaption>
    </figure>
  );
}

function Under({ ticks, gridlines }: TimePlotProps) {
  if (gridlines !== true) return null;
  return (
    <svg class="plot-over" aria-hidden="true">
      {ticks.map(({ at, label }) => (
        <line key={label} class="gridline" x1="0" x2="100%" y1={`${(1 - at) * 100}%`} y2={`${(1 - at) * 100}%`} />
      ))}
    </svg>
  );
}

function Over(props: TimePlotProps & { columns: number; selection: [number, number] | null; cursor: Cursor | null }) {
  const { columns, selection, cursor } = props;
  const x = (column: number) => `${(column / columns) * 100}%`;
  return (
    <svg class="plot-over" aria-hidden="true">
      {props.releases(1).map((mark) => (
        <line key={mark.name} class="release" x1={`${mark.x * 100}%`} x2={`${mark.x * 100}%`} y1="0" y2="100%" />
      ))}
      {props.budget !== undefined && (
        <line class="budget" x1="0" x2="100%" y1={`${(1 - props.budget.at) * 100}%`} y2={`${(1 - props.budget.at) * 100}%`} />
      )}
      {selection !== null && <rect class="chosen" x={x(selection[0])} width={x(selection[1] - selection[0])} y="0" height="100%" />}
      {cursor !== null && <line class="cursor" x1={x(cursor.column + 0.5)} x2={x(cursor.column + 0.5)} y1="0" y2="100%" />}
      {cursor?.y != null && <line class="cursor" x1="0" x2="100%" y1={`${(1 - cursor.y) * 100}%`} y2={`${(1 - cursor.y) * 100}%`} />}
    </svg>
  );
}

function Releases({ marks }: { marks: readonly ReleaseMark[] }) {
  return (
    <>
      {marks
        .filter((mark) => mark.named)
        .map((mark) => (
          <span
            key={mark.name}
            class="plot-note release-note"
            style={mark.flipped ? { top: 0, right: `${(1 - mark.x) * 100}%` } : { top: 0, left: `${mark.x * 100}%` }}
          >
            <span class="spoken">first seen at {clock(mark.at)}: </span>
            {mark.label}
          </span>
        ))}
    </>
  );
}

function Flag({ flag, url }: { flag: FlagBar; url: string }) {
  const words = `${flag.words}, ${spanName(flag, now.value)}`;
  const style = { left: `${flag.left * 100}%`, width: `${(flag.right - flag.left) * 100}%`, top: `${flag.lane * FLAG_LANE_PX}px` };
  return <a href={url} style={style} title={words} aria-label={words} />;
}

function TimeAxis({ span, width }: { span: Span; width: number }) {
  const ticks = timeTicks(span, Math.max(2, Math.floor(width / 84)));
  const length = span.to - span.from;
  return (
    <div class="plot-x" aria-hidden="true">
      {ticks.map((tick) => {
        const at = (tick.at - span.from) / length;
        const room = 34 / Math.max(1, width);
        const edge = at < room ? "first" : at > 1 - room ? "last" : "";
        return (
          <span key={tick.at} class={edge} style={{ left: `${at * 100}%` }}>
            {tick.label}
          </span>
        );
      })}
    </div>
  );
}
