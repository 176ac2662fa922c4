/** Cumulative Layout Shift, a score: its largest shift, and what that moved. */

import { onCLS } from "web-vitals";

import { EACH_CHANGE, type Report, selector } from "./vital.js";

export function cls(report: Report): void {
  onCLS((metric) => {
    const largest = metric.entries.reduce<LayoutShift | undefined>((a, b) => (a && a.value >= b.value ? a : b), undefined);
    // Without any shift, as of when that is known.
    report(metric, largest?.startTime ?? performance.now(), {
      largestShiftTarget: selector(largest?.sources?.find(({ node }) => node)?.node),
      largestShiftTime: largest?.startTime,
      largestShiftValue: largest?.value,
    });
  }, EACH_CHANGE);
}
