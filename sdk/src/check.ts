/** What the schema allows, asked in the page, so that a mistake is seen where it is made. */

import { warn } from "./guard.js";

/** Experiments of a beacon, and dimensions of an app. */
const PAIRS_MAX = 8;

const METRIC = /^[a-z][\w.:/-]{0,63}$/i;
const UNIT =
  /^(ms|milliseconds?|s|seconds?|us|µs|microseconds?|score|ratio|B|bytes?|kB|kilobytes?|MB|megabytes?|count|1|per_second|rate|1\/s)$/;
const DIMENSION = /^[a-z][a-z0-9_]{0,31}$/;
const TEXT = /^[^]{1,200}$/;

const refuse = (rule: string, given: unknown): false => {
  warn(rule, `, unlike ${given}`);
  return false;
};

const fits = (what: string, pattern: RegExp, given: unknown): given is string =>
  (typeof given === "string" && pattern.test(given)) || refuse(`${what} must match ${pattern}`, given);

export const isMetric = (name: unknown): name is string => fits("a metric", METRIC, name);
export const isUnit = (unit: unknown): boolean => unit === undefined || fits("a unit", UNIT, unit);
export const isText = (what: string, value: unknown): value is string => fits(what, TEXT, value);
export const isDimension = (name: unknown): name is string => fits("a dimension", DIMENSION, name);

export const isValue = (value: unknown): value is number =>
  (Number.isFinite(value) && (value as number) >= 0) || refuse("a value must be finite and not negative", value);

/** Whether `pairs` has `name`, or room for it. */
export const hasRoom = (pairs: object, name: string): boolean =>
  name in pairs || Object.keys(pairs).length < PAIRS_MAX || refuse("there is room for 8 experiments and 8 dimensions", name);
