/**
 * The phases of loading the document, in ms, from Navigation Timing
 * (https://www.w3.org/TR/navigation-timing-2/), once after the load event.
 */

import { guarded } from "../guard.js";
import { activationStart, navigationEntry, whenShown } from "../view.js";

/** `report` gets a phase's name, how long it took, and when it ended by `performance.now()`, or was shown to have. */
export function navigation(report: (phase: string, ms: number, at: number) => void): void {
  const collect = () => {
    const entry = navigationEntry();
    if (!entry) return;
    const shown = activationStart();
    const phase = (name: string, start: number, end: number, least = 0) => {
      // Only what came after a prerendered page was shown: nobody waited for the rest.
      const ms = Math.max(0, end - shown) - Math.max(0, start - shown);
      // A moment that never came, or that the browser hides, is 0.
      if (start >= least && end > 0 && ms >= least) report(name, ms, Math.max(end, shown));
    };
    const tls = entry.secureConnectionStart;
    // A connection that was there already was not made in 0 ms: zeros would drown the distribution of those that were.
    const ANY = Number.MIN_VALUE;
    phase("redirect", entry.redirectStart, entry.redirectEnd, ANY);
    phase("dns", entry.domainLookupStart, entry.domainLookupEnd, ANY);
    phase("connect", entry.connectStart, tls || entry.connectEnd, ANY);
    phase("tls", tls, entry.connectEnd, ANY);
    phase("request", entry.requestStart, entry.responseStart);
    phase("response", entry.responseStart, entry.responseEnd);
    phase("dom_interactive", 0, entry.domInteractive);
    phase("dom_content_loaded", 0, entry.domContentLoadedEventStart);
    phase("load", 0, entry.loadEventStart);
  };
  // The time of the load event is there only once its handlers run.
  const later = () => setTimeout(guarded(collect));
  whenShown(() => {
    if (document.readyState === "complete") later();
    else addEventListener("load", later, { once: true });
  });
}
