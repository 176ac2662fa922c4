/** Dimensions, their values, and which of them are counted together; what is not is estimated from samples. Pure. */

import type { App } from "./answer";
import type { Filters } from "./url";

/** How a value reads: the two that are no names of their own get words. */
export function valueName(value: string): string {
  if (value === "") return "(not known)";
  return value === "__other__" ? "(all others)" : value;
}

export const dimensionName = (dimension: string): string => dimension.replaceAll("_", " ");

/**
 * Whether one set of `together` holds all of `dimensions`. A page view counts once for each experiment
 * that it is in, so a set with the experiment answers only questions that name it.
 */
export function countedTogether(together: readonly (readonly string[])[], dimensions: readonly string[]): boolean {
  return together.some(
    (set) => dimensions.every((dimension) => set.includes(dimension)) && (!set.includes("experiment") || dimensions.includes("experiment")),
  );
}

/** The dimensions of `all` that are counted together with the filtered ones. */
export function countedBeside(all: readonly string[], together: readonly (readonly string[])[], filters: Filters): string[] {
  const filtered = Object.keys(filters);
  return all.filter((dimension) => countedTogether(together, [...new Set([...filtered, dimension])]));
}

/** What is said beside a dimension that is not counted together with the filters. */
export const ESTIMATED = "estimated with these filters";

/** Filters in words, for a sentence: `route /checkout and browser Chrome or Safari`. */
export function filtersName(filters: Filters): string {
  const parts = Object.entries(filters).map(([dimension, values]) => `${dimensionName(dimension)} ${values.map(valueName).join(" or ")}`);
  return parts.length === 0 ? "everyone" : parts.join(" and ");
}

/** A flag's slice in words. */
export const sliceName = (slice: Readonly<Record<string, string>>): string => filtersName(sliceFilters(slice));

/** The same as short as a line's label has room for: only the values. */
export const sliceLabel = (slice: Readonly<Record<string, string>>): string => Object.values(slice).map(valueName).join(", ") || "everyone";

export function sliceFilters(slice: Readonly<Record<string, string>>): Filters {
  return Object.fromEntries(Object.entries(slice).map(([dimension, value]) => [dimension, [value]]));
}

/** Whether what is flagged for `slice` says something about the users that `filters` keep. */
export function concerns(slice: Readonly<Record<string, string>>, filters: Filters): boolean {
  return Object.entries(filters).every(([dimension, values]) => {
    const own = slice[dimension];
    return own === undefined || values.includes(own);
  });
}

/** What people look at first. */
const USUAL = ["route", "browser", "country", "device", "release", "os", "connection", "network"];
const PANELS = 4;

/**
 * The dimensions broken down by when the URL names none: the usual ones that are counted together with the filters, less what a filter
 * has left a single value of. Where none is, all are estimated from samples, so the usual ones of all.
 */
export function usualDimensions(app: Pick<App, "dimensions" | "together">, filters: Filters): string[] {
  const rank = (name: string) => (USUAL.includes(name) ? USUAL.indexOf(name) : USUAL.length);
  const open = (names: readonly string[]) => names.filter((name) => filters[name]?.length !== 1);
  const counted = open(countedBeside(app.dimensions, app.together, filters));
  // an arm says nothing without its experiment
  const all = open(app.dimensions).filter((name) => name !== "arm" || filters["experiment"] !== undefined);
  return [...(counted.length > 0 ? counted : all)].sort((a, b) => rank(a) - rank(b)).slice(0, PANELS);
}
