/** What stands on a time axis beside the values: releases and flags. Pure. */

import type { Anomaly, Release } from "../answer";
import { type Span, seconds } from "../range";
import { concerns, sliceName } from "../slices";
import type { Filters } from "../url";

/** A release's line, with the room its name has got. */
export interface ReleaseMark {
  name: string;
  /** What stands beside the line: the newest says that it is a release, so that the others need not. */
  label: string;
  at: number;
  /** In [0, 1]. */
  x: number;
  /** Whether its name fits beside the one before. */
  named: boolean;
  /** Whether the name stands to the left of the line. */
  flipped: boolean;
}

/** About how wide a release's name is drawn, in pixels. */
const labelWidth = (label: string) => 20 + label.length * 7;

export function releaseMarks(releases: readonly Release[], span: Span, width: number): ReleaseMark[] {
  // the newest is named first: it is the one that people look for
  let free = width;
  return releases
    .map(({ release, first_seen }) => ({ name: release, at: seconds(first_seen) }))
    .filter(({ at }) => at > span.from && at < span.to)
    .sort((a, b) => b.at - a.at)
    .map(({ name, at }, i) => {
      const x = (at - span.from) / (span.to - span.from);
      const label = i === 0 ? `release ${name}` : name;
      const room = labelWidth(label);
      const flipped = x * width + room > width;
      const [from, to] = flipped ? [x * width - room, x * width] : [x * width, x * width + room];
      const named = to <= free && from >= 0;
      free = Math.min(free, named ? from : x * width);
      return { name, label, at, x, named, flipped };
    });
}

/** A flag's bar, or several of one slice that touch. */
export interface FlagBar {
  lane: number;
  /** In [0, 1]. */
  left: number;
  right: number;
  slice: Record<string, string>;
  metric: string;
  from: number;
  to: number;
  /** What it says, for its title. */
  words: string;
}

/** More lanes than this say no more. */
export const LANES = 3;

/** Bars under a chart for what was flagged of the users that `filters` keep, the most telling in the first lane. */
export function flagBars(anomalies: readonly Anomaly[], filters: Filters, span: Span): FlagBar[] {
  const bars: FlagBar[] = [];
  const place = (at: number) => Math.min(1, Math.max(0, (at - span.from) / (span.to - span.from)));
  for (const anomaly of anomalies) {
    if (!concerns(anomaly.slice, filters)) continue;
    const [from, to] = [seconds(anomaly.from), seconds(anomaly.to)];
    const key = `${anomaly.metric} ${JSON.stringify(anomaly.slice)}`;
    const same = bars.find((bar) => `${bar.metric} ${JSON.stringify(bar.slice)}` === key && from <= bar.to && to >= bar.from);
    if (same !== undefined) {
      same.from = Math.min(same.from, from);
      same.to = Math.max(same.to, to);
      same.left = place(same.from);
      same.right = place(same.to);
      continue;
    }
    const free = (lane: number) => !bars.some((bar) => bar.lane === lane && from < bar.to && to > bar.from);
    const lane = [...Array(LANES).keys()].find(free);
    if (lane === undefined) continue;
    bars.push({
      lane,
      left: place(from),
      right: place(to),
      slice: anomaly.slice,
      metric: anomaly.metric,
      from,
      to,
      words: `flag: ${anomaly.metric} of ${sliceName(anomaly.slice)}`,
    });
  }
  return bars;
}
