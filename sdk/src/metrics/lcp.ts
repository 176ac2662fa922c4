/** Largest Contentful Paint, in ms: the element, and the four parts of the wait, which add up to the value. */

import { onLCP } from "web-vitals";

import { activationStart } from "../view.js";
import { EACH_CHANGE, firstByte, type Report, selector, sinceStart } from "./vital.js";

export function lcp(report: Report): void {
  onLCP((metric) => {
    const { value, entries } = metric;
    const entry = entries[0];
    const shown = activationStart();
    const ttfb = firstByte();
    const [resource] = performance.getEntriesByName(entry?.url || "none", "resource").slice(-1) as PerformanceResourceTiming[];
    // A text has no resource: all of its wait after the first byte is for rendering.
    const asked = Math.max(ttfb, resource ? (resource.requestStart || resource.startTime) - shown : 0);
    const loaded = Math.min(value, Math.max(asked, resource ? resource.responseEnd - shown : 0));
    // There is no entry for a page that comes back from the back/forward cache, and no parts.
    const cause = entry && {
      target: selector(entry.element),
      url: entry.url,
      timeToFirstByte: ttfb,
      resourceLoadDelay: asked - ttfb,
      resourceLoadDuration: loaded - asked,
      elementRenderDelay: value - loaded,
    };
    report(metric, sinceStart(metric), cause ?? {});
  }, EACH_CHANGE);
}
