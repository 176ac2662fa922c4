/**
 * What the five web vitals have in common.
 *
 * The values are web-vitals' own. Its attribution build would add 2.1 kB to the 3.2 kB of its core; what is
 * sent of the causes is read here from the same performance entries in a fraction of that.
 */

import type { MetricType } from "web-vitals";

import { activationStart, navigationEntry } from "../view.js";

/** Takes a vital's value of now, the time `at` which it came about (by `performance.now()`), and its cause. */
export type Report = (metric: MetricType, at: number, cause: object) => void;

/**
 * LCP, CLS and INP are asked for each change rather than for their last word: what counts is the value that
 * they have when the page is hidden, however it comes to that. And an entry's element is still there.
 */
export const EACH_CHANGE = { reportAllChanges: true };

/** When a vital that counts from the page's beginning came about. */
export const sinceStart = (metric: MetricType): number => (metric.navigationStartTime || activationStart()) + metric.value;

/** How long after it was asked for, or after a prerendered page was shown, the page's first byte came. */
export const firstByte = (): number => Math.max(0, (navigationEntry()?.responseStart ?? 0) - activationStart());

/** Whether the browser has performance entries of this type; asking for others makes it complain in the console. */
export const observes = (type: string): boolean => !!window.PerformanceObserver?.supportedEntryTypes?.includes(type);

const SELECTOR_MAX = 100;

/** A short selector of `node`, or of what holds a text: tags and classes, up from it to the next id. */
export function selector(node: Node | null | undefined): string | undefined {
  let at = (node?.nodeType === 3 ? node.parentElement : node) as Element | null | undefined;
  let path: string | undefined;
  while (at?.localName) {
    const part = at.id ? "#" + at.id : [at.localName, ...at.classList].join(".");
    const longer: string = path ? part + ">" + path : part.slice(0, SELECTOR_MAX);
    if (longer.length > SELECTOR_MAX) break;
    path = longer;
    if (at.id) break;
    at = at.parentElement;
  }
  return path;
}
