/** A distribution as small as a table's row. All rows of a table share one axis and one height. */

import { useMemo } from "preact/hooks";
import type { Bin } from "../answer";
import { token } from "../theme";
import { useCanvas } from "./canvas";
import { barsOf, drawBars, drawLine, outline, type SharedAxis } from "./distribution";

/** With `against` it is a selection, drawn over what it is compared with, which may be nothing. */
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
