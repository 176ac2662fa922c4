/** Questions to the API, and how they are asked. A question is a URL; its answer's type goes with it. */

import type {
  Alerts,
  Anomalies,
  Apps,
  Breakdown,
  Dimensions,
  ErrorBody,
  Heatmap,
  Histogram,
  Metrics,
  Outcomes,
  Timeseries,
} from "./answer";
import type { Span } from "./range";
import { type Filters, filterPairs, readable } from "./url";

declare const answers: unique symbol;

/** A question whose answer is a `T`. */
export interface Question<T> {
  readonly url: string;
  /** The same for questions that differ only in when they are asked: an answer to one replaces the other's in place. */
  readonly about: string;
  /** Whether its time had not ended when it was asked: the answer to the same URL still grows. */
  readonly open: boolean;
  readonly [answers]?: T;
}

type Params = Record<string, string | number | readonly string[] | undefined>;

function question<T>(path: string, params: Params, span?: Span): Question<T> {
  const pairs = Object.entries(params).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    return Array.isArray(value) ? value.map((each: string) => [name, each]) : [[name, String(value)]];
  });
  const query = pairs.map(([name, value]) => `${name}=${readable(value)}`).join("&");
  const base = `/api/v1/${path}${query === "" ? "" : `?${query}`}`;
  if (span === undefined) return { url: base, about: base, open: false };
  const url = `${base}&from=${Math.floor(span.from)}&to=${Math.ceil(span.to)}`;
  return { url, about: `${base} ${Math.round(span.to - span.from)}`, open: span.to > serverNow() };
}

/** What questions about a metric have in common. */
export interface About {
  app: string;
  metric: string;
  filters: Filters;
  span: Span;
}

const about = ({ app, metric, filters }: About): Params => ({
  app,
  metric,
  filter: filterPairs(filters).map(([dimension, value]) => `${dimension}:${value}`),
});

export const ask = {
  apps: () => question<Apps>("apps", {}),
  metrics: (app: string) => question<Metrics>("metrics", { app }),
  dimensions: (app: string, limit = 100) => question<Dimensions>("dimensions", { app, limit }),
  timeseries: (of: About, more: { step: number; quantiles?: string; groupBy?: string | undefined; limit?: number }) =>
    question<Timeseries>(
      "timeseries",
      { ...about(of), step: `${more.step}s`, quantiles: more.quantiles ?? "0.75", group_by: more.groupBy, limit: more.limit },
      of.span,
    ),
  histogram: (of: About, quantiles = "0.5,0.75,0.95") =>
    question<Histogram>("histogram", { ...about(of), quantiles, bins_per_octave: 8 }, of.span),
  breakdown: (of: About, more: { by: string; order?: "n" | "over_good" | "quantile"; limit?: number; quantiles?: string }) =>
    question<Breakdown>(
      "breakdown",
      {
        ...about(of),
        by: more.by,
        quantiles: more.quantiles ?? "0.75",
        limit: more.limit ?? 20,
        order: more.order ?? "n",
        bins_per_octave: 8,
      },
      of.span,
    ),
  heatmap: (of: About, more: { step: number; binsPerOctave?: number }) =>
    question<Heatmap>("heatmap", { ...about(of), step: `${more.step}s`, bins_per_octave: more.binsPerOctave ?? 8 }, of.span),
  anomalies: (app: string, span: Span, metric?: string) => question<Anomalies>("anomalies", { app, metric }, span),
  alerts: (app: string, state?: "firing" | "pending" | "resolved", limit?: number) => question<Alerts>("alerts", { app, state, limit }),
  outcomes: (app: string, span: Span) => question<Outcomes>("outcomes", { app }, span),
};

/** Why there is no answer, for people. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly reason: string,
    readonly detail: string,
    readonly hint: string | null,
    readonly status: number,
  ) {
    super(detail);
  }
}

const UNREACHABLE = new Refusal(
  "unreachable",
  "The server doesn't answer.",
  "See whether it still runs; this page tries again by itself.",
  0,
);

/** How far the server's clock is ahead of this browser's, in seconds; known from the first answer on. */
let serverAhead = 0;

/** The server's time, in seconds since the epoch. */
export const serverNow = (): number => Date.now() / 1000 + serverAhead;

function noteServerTime(date: string | null): void {
  const ahead = date === null ? Number.NaN : Date.parse(date) / 1000 + 0.5 - Date.now() / 1000;
  // the header has whole seconds: less than two of difference is no difference
  if (Math.abs(ahead - serverAhead) > 2) serverAhead = Math.abs(ahead) > 2 ? ahead : 0;
}

// a question can take long over weeks of data, but not for ever
const PATIENCE_MS = 30_000;

/** Asks. Rejects with a [`Refusal`], whatever went wrong. */
export async function fetchAnswer<T>(asked: Question<T>): Promise<T> {
  let response: Response;
  try {
    response = await fetch(asked.url, { headers: { accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw UNREACHABLE;
  }
  noteServerTime(response.headers.get("date"));
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    throw new Refusal(
      "unreadable",
      `The server answered ${response.status} with something that is not JSON.`,
      "Is a proxy in between?",
      response.status,
    );
  }
  if (response.ok) return body as T;
  const error = (body as Partial<ErrorBody> | null)?.error;
  throw new Refusal(
    error?.reason ?? "failed",
    error?.detail ?? `The server answered ${response.status}.`,
    error?.hint ?? null,
    response.status,
  );
}
