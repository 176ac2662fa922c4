/** A distribution as small as a table's row. All rows of a table share one axis and one height. */

import { useMemo } from "preact/hooks";
import type { Bin } from "../answer";
import type { Thresholds } from "../rating";
import { token } from "../theme";
import { useCanvas } from "./canvas";
import { barsOf, drawBars, drawLine, outline, tallestOf } from "./distribution";
import { type LogScale, scaleOf } from "./scale";

// so small a drawing shows the shape; a tail of one in five hundred would only narrow it
const TAIL = 0.002;

/** What the rows of a table share. */
export interface SharedAxis {
  scale: LogScale;
  tallest: number;
}

export function sharedAxis(rows: readonly (readonly Bin[])[], thresholds: Thresholds | null): SharedAxis {
  const merged = new Map<number, Bin>();
  for (const bin of rows.flat()) {
    const known = merged.get(bin.from);
    merged.set(bin.from, known === undefined ? bin : { ...bin, n: known.n + bin.n });
  }
  const scale = scaleOf(
    [...merged.values()].sort((a, b) => a.from - b.from),
    thresholds,
    TAIL,
  );
  return { scale, tallest: tallestOf(rows, scale) };
}

export function SmallShape({ bins, axis, against }: { bins: readonly Bin[]; axis: SharedAxis; against?: readonly Bin[] }) {
  const bars = useMemo(() => barsOf(bins, axis.scale, axis.tallest), [bins, axis]);
  const rest = useMemo(() => (against === undefined ? null : barsOf(against, axis.scale, axis.tallest)), [against, axis]);
  const canvas = useCanvas(
    (context, size) => {
      if (rest === null) {
        drawBars(context, bars, size, token("--accent"));
      } else {
        drawBars(context, rest, size, token("--rest"));
        drawLine(context, outline(bars), size, token("--selection"), 1.4 * devicePixelRatio);
      }
    },
    [bars, rest],
  );
  return <canvas ref={canvas} class="small-shape" aria-hidden="true" />;
}
