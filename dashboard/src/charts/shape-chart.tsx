/** A distribution with its axis, thresholds and quantiles; what is selected is drawn over the rest. */

import { useMemo, useState } from "preact/hooks";
import type { Bin, Unit } from "../answer";
import * as format from "../format";
import type { Thresholds } from "../rating";
import { total } from "../statistics";
import { token } from "../theme";
import { useBox, useCanvas } from "./canvas";
import { type Bar, barsOf, drawBars, drawLine, outline, tallestOf } from "./distribution";
import { type LogScale, scaleOf, valueTicks } from "./scale";

export interface Mark {
  value: number;
  label: string;
  tone: "data" | "rest" | "selection";
}

interface Props {
  label: string;
  unit: Unit;
  thresholds: Thresholds | null;
  /** Drawn as bars: the whole, or the rest beside a selection. */
  bins: readonly Bin[];
  /** Drawn as a line over them. */
  selected?: readonly Bin[] | null;
  marks: readonly Mark[];
  height: number;
}

const TONES = { data: "--accent", rest: "--second", selection: "--selection" } as const;

export function ShapeChart({ label, unit, thresholds, bins, selected = null, marks, height }: Props) {
  const scale = useMemo(
    () =>
      scaleOf(
        [...bins, ...(selected ?? [])].sort((a, b) => a.from - b.from),
        thresholds,
      ),
    [bins, selected, thresholds?.good],
  );
  const tallest = tallestOf(selected === null ? [bins] : [bins, selected], scale) * 1.06;
  const bars = useMemo(() => barsOf(bins, scale, tallest), [bins, scale, tallest]);
  const over = useMemo(() => (selected === null ? null : barsOf(selected, scale, tallest)), [selected, scale, tallest]);
  const canvas = useCanvas(
    (context, size) => {
      drawBars(context, bars, size, token(over === null ? "--accent" : "--rest"));
      if (over !== null) drawLine(context, outline(over), size, token("--selection"), 1.6 * devicePixelRatio);
    },
    [bars, over],
  );
  const [area, box] = useBox<HTMLDivElement>();
  const reading = useReading(scale, over ?? bars, bars);
  return (
    <figure>
      <div
        ref={area}
        class="shape-area"
        style={{ height: `${height}px` }}
        tabIndex={0}
        role="application"
        aria-roledescription="chart"
        aria-label={`${label}. Left and right arrow keys read it.`}
        {...reading.handlers}
      >
        <Bands scale={scale} thresholds={thresholds} />
        <canvas ref={canvas} aria-hidden="true" />
        {scale.zero && (
          <span class="plot-note" style={{ left: `${scale.at(scale.min) * 100}%`, top: "16px" }}>
            {zeroWords(bins, selected)}
          </span>
        )}
        {reading.at !== null && <div class="shape-mark third" style={{ left: `${reading.at * 100}%` }} />}
        {marks.map((mark, i) => {
          const at = scale.at(mark.value);
          return (
            <div
              key={mark.label}
              class={at > 0.6 ? "shape-mark flip" : "shape-mark"}
              style={{ left: `${at * 100}%`, color: `var(${TONES[mark.tone]})` }}
            >
              <span style={{ top: `${i * 16}px` }}>{mark.label}</span>
            </div>
          );
        })}
      </div>
      <ValueAxis scale={scale} unit={unit} thresholds={thresholds} width={box.width} />
      <figcaption class="plot-foot">
        <output aria-live={reading.byKey ? "polite" : "off"}>{readBar(reading.bar, bins, selected, unit)}</output>
      </figcaption>
    </figure>
  );
}

/** Zeros' bar reaches the top whatever their number, so that is said. */
function zeroWords(bins: readonly Bin[], selected: readonly Bin[] | null): string {
  const part = (of: readonly Bin[]) => {
    const all = total(of);
    return format.percent(all === 0 ? 0 : (of.find((bin) => bin.from <= 0)?.n ?? 0) / all, 0);
  };
  return selected === null ? `← ${part(bins)} are 0` : `← ${part(selected)} are 0, of the rest ${part(bins)}`;
}

function readBar(bar: Bar | null, bins: readonly Bin[], selected: readonly Bin[] | null, unit: Unit): string {
  if (bar === null) return "";
  const between = bar.bin.from <= 0 ? `below ${format.value(bar.bin.to, unit)}` : format.interval(bar.bin.from, bar.bin.to, unit);
  const of = (which: readonly Bin[]) => {
    const [n, all] = [which.find((bin) => bin.from === bar.bin.from)?.n ?? 0, total(which)];
    return `${format.count(n)} of ${format.count(all)} (${format.percent(all === 0 ? 0 : n / all)})`;
  };
  return selected === null ? `${between}: ${of(bins)}` : `${between}: ${of(selected)} selected, ${of(bins)} of the rest`;
}

/** The bar under the mouse, or where arrow keys have moved to. */
function useReading(scale: LogScale, bars: readonly Bar[], more: readonly Bar[]) {
  const [at, setAt] = useState<number | null>(null);
  const [byKey, setByKey] = useState(false);
  const under = (place: number) =>
    bars.find((bar) => place >= bar.left && place < bar.right) ?? more.find((bar) => place >= bar.left && place < bar.right) ?? null;
  const middle = (bar: Bar) => (bar.left + bar.right) / 2;
  const handlers = {
    onPointerMove: (event: PointerEvent) => {
      const rect = (event.currentTarget as Element).getBoundingClientRect();
      setByKey(false);
      setAt(Math.min(0.9999, Math.max(0, (event.clientX - rect.left) / Math.max(1, rect.width))));
    },
    onPointerLeave: () => setAt(null),
    onBlur: () => setAt(null),
    onKeyDown: (event: KeyboardEvent) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by === undefined || bars.length === 0) return;
      event.preventDefault();
      setByKey(true);
      const here = at ?? scale.at(scale.value(0.5));
      const next = by > 0 ? bars.find((bar) => middle(bar) > here + 1e-6) : bars.findLast((bar) => middle(bar) < here - 1e-6);
      if (next !== undefined) setAt(middle(next));
    },
  };
  return { at, byKey, bar: at === null ? null : under(at), handlers };
}

function Bands({ scale, thresholds }: { scale: LogScale; thresholds: Thresholds | null }) {
  if (thresholds === null) return null;
  const [good, poor] = [scale.at(thresholds.good), scale.at(thresholds.poor)];
  const band = (width: number, tone: string) => <i style={{ width: `${width * 100}%`, background: `var(--${tone}-tint)` }} />;
  return (
    <div class="shape-bands" aria-hidden="true">
      {band(good, "good")}
      {band(poor - good, "needs")}
      {band(1 - poor, "poor")}
    </div>
  );
}

function ValueAxis({ scale, unit, thresholds, width }: { scale: LogScale; unit: Unit; thresholds: Thresholds | null; width: number }) {
  return (
    <div class="shape-x" aria-hidden="true">
      {valueTicks(scale, unit, thresholds, 48 / Math.max(48, width)).map((tick) => {
        const edge = tick.at < 0.03 ? "first" : tick.at > 0.97 ? "last" : "";
        return (
          <span key={tick.value} class={edge} style={{ left: `${tick.at * 100}%` }}>
            {tick.label}
          </span>
        );
      })}
    </div>
  );
}
