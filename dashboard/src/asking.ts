/** What Explore asks. Pure. */

import type { Metric } from "./answer";
import type { Mode, Place } from "./url";

/** What is asked, with nothing left open. */
export interface Asking {
  metric: Metric;
  mode: Mode;
  split: string | null;
  /** Whether it counts events, and so has no quantiles. */
  counter: boolean;
}

/** The question of a place: what it leaves open is decided here, and a heat map has no lines to split. */
export function askingOf(at: Pick<Place, "as" | "split">, metric: Metric): Asking {
  const counter = metric.unit === "count";
  const mode: Mode = counter ? "counts" : (at.as ?? (at.split === null ? "heatmap" : "lines"));
  return { metric, mode, split: mode === "heatmap" ? null : at.split, counter };
}
