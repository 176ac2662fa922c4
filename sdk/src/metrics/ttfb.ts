/** Time to First Byte, in ms, and its parts, which add up to the value. web-vitals tells it after the load event. */

import { onTTFB } from "web-vitals";

import { activationStart } from "../view.js";
import { type Report, sinceStart } from "./vital.js";

export function ttfb(report: Report): void {
  onTTFB((metric) => {
    // A page that comes back from the back/forward cache asked for nothing.
    const entry = metric.entries[0] as PerformanceNavigationTiming | undefined;
    report(metric, sinceStart(metric), entry ? parts(entry, metric.value) : {});
  });
}

function parts(entry: PerformanceNavigationTiming, value: number): object {
  const since = (time: number) => Math.max(0, time - activationStart());
  const fetching = since(entry.workerStart || entry.fetchStart);
  const dns = since(entry.domainLookupStart);
  const connecting = since(entry.connectStart);
  const connected = since(entry.connectEnd);
  return {
    waitingDuration: fetching,
    cacheDuration: dns - fetching,
    dnsDuration: connecting - dns,
    connectionDuration: connected - connecting,
    requestDuration: value - connected,
  };
}
