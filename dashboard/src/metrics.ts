/** The app's metrics, and how one is asked about in the view that is shown. */

import type { App, Metric } from "./answer";
import { type About, ask } from "./api";
import { type Answer, useAnswer } from "./ask";
import { moving, now, span, tick } from "./live";
import { place } from "./place";
import { outward, type Span, stepFor } from "./range";

export const VITALS = ["LCP", "INP", "CLS", "TTFB", "FCP"] as const;
export const PAGE_VIEW = "page_view";

export interface KnownMetrics {
  /** `null` until they are known. */
  list: readonly Metric[] | null;
  find: (name: string) => Metric | undefined;
  answer: Answer<{ metrics: Metric[] }>;
}

export function useMetrics(app: App): KnownMetrics {
  const answer = useAnswer(ask.metrics(app.id), tick.value);
  const list = answer.answer?.metrics ?? null;
  return { list, find: (name) => list?.find((metric) => metric.name === name), answer };
}

/** A question about `metric` with the view's filters and, unless another is given, its time range in whole windows. */
export const aboutHere = (app: App, metric: string, over: Span = wholeWindows(app)): About => ({
  app: app.id,
  metric,
  filters: place.value.filters,
  span: over,
});

/** As many windows as a chart over the page's width has room for. */
export const CHART_COLUMNS = 170;
export const TREND_COLUMNS = 75;

/**
 * The view's time range in whole windows of its charts, the last one still open where the range ends now: the API answers in whole
 * windows, and so a card and a heat map of the same range have the same n.
 */
export function wholeWindows(app: App): Span {
  const { from, to } = span.value;
  const step = stepHere(app, CHART_COLUMNS);
  return moving.value ? outward({ from, to }, step) : { from, to };
}

export const stepHere = (app: App, columns: number, over: Span = span.value): number =>
  stepFor(over, columns, now.value, app.minute_retention_s);
