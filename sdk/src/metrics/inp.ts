/**
 * Interaction to Next Paint, in ms: the element, the three parts of the wait, which add up to the value, and
 * the script that took longest, where the browser has Long Animation Frames.
 */

import { onINP } from "web-vitals";

import { EACH_CHANGE, observes, type Report, selector } from "./vital.js";

/** Entries come a little before or after the vital that they explain; these many of the last are enough. */
const LATEST = 50;
/** Durations are rounded to this many ms, so that two events of one frame seem to end so much apart. */
const ROUNDING_MS = 8;

export function inp(report: Report): void {
  const latestEvents = latest("event") as () => PerformanceEventTiming[];
  const latestFrames = latest("long-animation-frame") as () => PerformanceLongAnimationFrameTiming[];

  onINP((metric) => {
    const { value, entries } = metric;
    // Without an entry it was too short for one, which web-vitals puts at 8 ms.
    const start = entries[0]?.startTime ?? performance.now();
    const end = start + value;

    // The paint waited for all events of its frame: a click for the handlers of its pointerdown and mouseup, too.
    const events = latestEvents().filter((event) => Math.abs(event.startTime + event.duration - end) <= ROUNDING_MS);
    events.push(...entries);
    // An alert() in a handler is processing that outlasts the wait.
    const processing = Math.max(start, Math.min(end, ...events.map((event) => event.processingStart)));
    const processed = Math.min(end, Math.max(processing, ...events.map((event) => event.processingEnd)));

    const during = (script: PerformanceScriptTiming) =>
      Math.min(end, script.startTime + script.duration) - Math.max(start, script.startTime);
    const [longest] = latestFrames()
      .flatMap((frame) => frame.scripts)
      .filter((script) => during(script) > 0)
      .sort((a, b) => during(b) - during(a));

    report(metric, start, {
      interactionTarget: selector(entries.find(({ target }) => target)?.target),
      interactionType: entries[0] && (entries[0].name.startsWith("key") ? "keyboard" : "pointer"),
      inputDelay: processing - start,
      processingDuration: processed - processing,
      presentationDelay: end - processed,
      scriptDuration: longest && during(longest),
      scriptInvoker: longest?.invoker,
      scriptUrl: longest?.sourceURL,
      scriptFunction: longest?.sourceFunctionName,
      scriptPosition: longest?.sourceCharPosition,
    });
  }, EACH_CHANGE);
}

/** The latest entries of a type, also those that are not delivered yet. */
function latest(type: string): () => PerformanceEntry[] {
  let entries: PerformanceEntry[] = [];
  if (!observes(type)) return () => entries;
  const keep = (more: PerformanceEntry[]) => (entries = [...entries, ...more].slice(-LATEST));
  const observer = new PerformanceObserver((list) => keep(list.getEntries()));
  // The threshold that web-vitals has, too; only events know it.
  observer.observe({ type, buffered: true, durationThreshold: 40 });
  return () => keep(observer.takeRecords());
}
