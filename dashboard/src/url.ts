/** Where one is: everything that a page shows follows from its URL, and the other way round. Pure. */

import { DAY, DEFAULT_RANGE, isLive, lengthCode, parseLength, parseSpan, type Range, type Span, spanCode } from "./range";

export type Page = "apps" | "overview" | "explore" | "alerts" | "alert" | "install" | "lost";
export type Mode = "heatmap" | "lines" | "counts";

/** For each dimension the values that pass; `""` is 'not known'. */
export type Filters = Readonly<Record<string, readonly string[]>>;

export interface Place {
  page: Page;
  /** Empty on pages without an app. */
  app: string;
  /** The alert shown; `null` but on its page. */
  alert: number | null;
  range: Range;
  filters: Filters;
  /** What Explore asks about; `null` lets it choose. */
  metric: string | null;
  as: Mode | null;
  split: string | null;
  /** The time range chosen on a chart. */
  select: Span | null;
  /** The dimensions broken down by; empty lets Explore choose. */
  by: readonly string[];
  /** Charts as tables. */
  table: boolean;
}

export const NOWHERE: Place = {
  page: "apps",
  app: "",
  alert: null,
  range: DEFAULT_RANGE,
  filters: {},
  metric: null,
  as: null,
  split: null,
  select: null,
  by: [],
  table: false,
};

const MODES: readonly Mode[] = ["heatmap", "lines", "counts"];

export function parsePlace(path: string, query: string): Place {
  const params = new URLSearchParams(query);
  const as = params.get("as");
  const select = params.get("select");
  return {
    ...parsePath(path),
    range: parseRange(params.get("range")),
    filters: parseFilters(params.getAll("filter")),
    metric: params.get("metric") || null,
    as: MODES.find((mode) => mode === as) ?? null,
    split: params.get("split") || null,
    select: select === null ? null : parseSpan(select),
    by: (params.get("by") ?? "").split(",").filter((name) => name !== ""),
    table: params.get("view") === "table",
  };
}

function parsePath(path: string): Place {
  const [root, app, page, id, more] = path
    .split("/")
    .filter((part) => part !== "")
    .map(decode);
  const lost: Place = { ...NOWHERE, page: "lost" };
  if (root === undefined) return NOWHERE;
  if (root !== "apps" || more !== undefined) return lost;
  if (app === undefined) return NOWHERE;
  if (id !== undefined) {
    return page === "alerts" && /^\d{1,15}$/.test(id) ? { ...NOWHERE, page: "alert", app, alert: Number(id) } : lost;
  }
  if (page === undefined) return { ...NOWHERE, page: "overview", app };
  return page === "explore" || page === "alerts" || page === "install" ? { ...NOWHERE, page, app } : lost;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function parseRange(code: string | null): Range {
  if (code === null) return DEFAULT_RANGE;
  const last = parseLength(code);
  return last === null ? (parseSpan(code) ?? DEFAULT_RANGE) : { last };
}

function parseFilters(codes: string[]): Filters {
  const filters: Record<string, string[]> = {};
  for (const code of codes) {
    const colon = code.indexOf(":");
    if (colon <= 0) continue;
    const [dimension, value] = [code.slice(0, colon), code.slice(colon + 1)];
    const values = filters[dimension] ?? [];
    if (!values.includes(value)) filters[dimension] = [...values, value];
  }
  return filters;
}

/** The path and query of `place`. What is as it would be anyway is left out, but for Explore's question. */
export function placeUrl(place: Place): string {
  const query: [string, string][] = [];
  const asks = place.page === "explore";
  if (asks && place.metric !== null) query.push(["metric", place.metric]);
  if (asks && place.as !== null) query.push(["as", place.as]);
  for (const [dimension, value] of filterPairs(place.filters)) query.push(["filter", `${dimension}:${value}`]);
  if (asks && place.split !== null) query.push(["split", place.split]);
  const range = isLive(place.range) ? lengthCode(place.range.last) : spanCode(place.range);
  if (asks || range !== lengthCode(DAY)) query.push(["range", range]);
  if (asks && place.select !== null) query.push(["select", spanCode(place.select)]);
  if (asks && place.by.length > 0) query.push(["by", place.by.join(",")]);
  if (place.table) query.push(["view", "table"]);
  const text = query.map(([name, value]) => `${name}=${readable(value)}`).join("&");
  return placePath(place) + (text === "" ? "" : `?${text}`);
}

function placePath(place: Place): string {
  const app = `/apps/${encodeURIComponent(place.app)}`;
  switch (place.page) {
    case "apps":
    case "lost":
      return "/";
    case "overview":
      return app;
    case "alert":
      return `${app}/alerts/${place.alert ?? ""}`;
    case "explore":
    case "alerts":
    case "install":
      return `${app}/${place.page}`;
  }
}

/** Percent-encoded, but for what a query may hold as it is and people want to read. */
export function readable(value: string): string {
  return encodeURIComponent(value)
    .replace(/%(2F|3A|2C|40)/g, decodeURIComponent)
    .replace(/%20/g, "+");
}

export function filterPairs(filters: Filters): [string, string][] {
  return Object.entries(filters).flatMap(([dimension, values]) => values.map((value): [string, string] => [dimension, value]));
}

/** With `value` added to the alternatives of `dimension`, or taken from them. */
export function toggleFilter(filters: Filters, dimension: string, value: string): Filters {
  const had = filters[dimension] ?? [];
  const values = had.includes(value) ? had.filter((other) => other !== value) : [...had, value];
  return withFilter(filters, dimension, values);
}

export function withFilter(filters: Filters, dimension: string, values: readonly string[]): Filters {
  const { [dimension]: _, ...rest } = filters;
  if (values.length === 0) return rest;
  return dimension in filters ? { ...filters, [dimension]: values } : { ...rest, [dimension]: values };
}
