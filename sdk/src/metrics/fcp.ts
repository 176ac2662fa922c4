/** First Contentful Paint, in ms, and its two parts. */

import { onFCP } from "web-vitals";

import { firstByte, type Report, sinceStart } from "./vital.js";

export function fcp(report: Report): void {
  onFCP((metric) => {
    const ttfb = firstByte();
    report(metric, sinceStart(metric), metric.entries[0] ? { timeToFirstByte: ttfb, firstByteToFCP: metric.value - ttfb } : {});
  });
}
