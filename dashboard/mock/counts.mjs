// @ts-check
/** Counts of the imagined users by value and time, for any slice. */

import { APPS, BROWSERS, draw, hash, INDEPENDENT, METRICS, ROUTES, releaseShares, tide } from "./world.mjs";

/** Bins an octave; the API's answers merge them. */
export const FINE = 16;

/** @typedef {import("../src/answer").Unit} Unit */
/** @typedef {Record<string, string[]>} Filters */
/** @typedef {ReturnType<typeof import("./world.mjs").historyOf>} History */
/** @typedef {{ app: string, metric: string, filters: Filters, history: History }} Slice */

/** The smallest value that bins tell from zero, by unit. */
/** @param {Unit} unit */
const least = (unit) => (unit === "score" ? 0.001 : 1);

/** The bounds of fine bin `i`; bin 0 holds the zeros. */
/** @param {number} i @param {Unit} unit */
export function bound(i, unit) {
  return i <= 0 ? 0 : least(unit) * 2 ** ((i - 1) / FINE);
}

/** How many fine bins there are: seventeen octaves and the zeros. */
export const BINS = 17 * FINE + 1;

/** The shares of fine bins, memoised by what they depend on. */
/** @type {Map<string, Float64Array>} */
const shapes = new Map();

/** @param {string} metric @param {number} factor how slow @param {number} slow the part of the values that is slower still @param {number} by how much */
function shape(metric, factor, slow, by) {
  const key = `${metric} ${factor.toFixed(3)} ${slow} ${by}`;
  const known = shapes.get(key);
  if (known !== undefined) return known;
  const measured = METRICS[metric];
  const bins = new Float64Array(BINS);
  if (measured === undefined) return bins;
  if (measured.unit === "count") bins[1] = 1;
  const positive = 1 - (measured.zeros ?? 0);
  for (const mode of measured.modes) {
    for (const [part, times] of [
      [1 - slow, 1],
      [slow, by],
    ]) {
      for (let i = 1; i < BINS; i += 1) {
        const z = (Math.log(bound(i + 0.5, measured.unit)) - Math.log(mode.at * factor * (times ?? 1))) / mode.spread;
        bins[i] = (bins[i] ?? 0) + positive * mode.part * (part ?? 0) * Math.exp((-z * z) / 2) * (Math.LN2 / FINE / mode.spread / 2.5066);
      }
    }
  }
  bins[0] = measured.zeros ?? 0;
  shapes.set(key, bins);
  return bins;
}

/** @param {Filters} filters @param {string} dimension @param {string} value */
const passes = (filters, dimension, value) => filters[dimension]?.includes(value) ?? true;

/** How many of the users the independent filters keep, and how slow these are. */
/** @param {Filters} filters @param {History} history @param {number} t @param {string} metric */
function kept(filters, history, t, metric) {
  let [part, slowness] = [1, 1];
  for (const [dimension, values] of Object.entries(filters)) {
    const kinds = INDEPENDENT[dimension];
    if (kinds !== undefined) {
      const chosen = values.map((value) => kinds[value]).filter((kind) => kind !== undefined);
      const weight = chosen.reduce((sum, kind) => sum + kind.weight, 0);
      part *= weight;
      slowness *= weight === 0 ? 1 : chosen.reduce((sum, kind) => sum + kind.weight * kind.factor, 0) / weight;
    }
    if (dimension === "release") {
      const now = releaseShares(history, t);
      part *= values.reduce((sum, value) => sum + (now[value] ?? 0), 0);
    }
  }
  const { errors } = history;
  if (metric === "error" && t >= errors.from) {
    const brazil = filters.country === undefined ? (INDEPENDENT.country?.BR?.weight ?? 0) : Number(filters.country.includes("BR"));
    part *= 1 + brazil * (errors.factor - 1);
  }
  return { part, slowness };
}

/** @type {Map<string, Float64Array>} */
const memo = new Map();

/**
 * Counts by fine bin in `[t, t + width)`.
 * @param {Slice} slice @param {number} t seconds since the epoch, a multiple of `width` @param {number} width seconds @returns {Float64Array}
 */
export function countsIn({ app, metric, filters, history }, t, width) {
  const key = `${app} ${metric} ${t} ${width} ${JSON.stringify(filters)}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  const counts = new Float64Array(BINS);
  const measured = METRICS[metric];
  const users = APPS[app];
  if (measured !== undefined && users !== undefined) {
    const middle = t + width / 2;
    const { part, slowness } = kept(filters, history, middle, metric);
    const views = users.peak * tide(middle) * (width / 60) * part * measured.coverage;
    Object.entries(ROUTES).forEach(([route, ofRoute], r) => {
      if (!passes(filters, "route", route) || (measured.only !== undefined && measured.only !== route)) return;
      Object.entries(BROWSERS).forEach(([browser, ofBrowser], b) => {
        if (!passes(filters, "browser", browser)) return;
        const { incident, search } = history;
        const hit = users.incident && middle >= incident.from && route === incident.route && browser === incident.browser;
        const slow = hit && (metric === "LCP" || metric === "INP") ? incident.part * Math.min(1, 0.5 + (middle - incident.from) / 7200) : 0;
        const searching =
          users.incident && metric === "INP" && route === search.route && middle >= search.from && middle < search.to ? search.factor : 1;
        // servers are a little slower when many come
        const load = 0.94 + 0.12 * tide(middle) + 0.02 * (hash(Math.floor(middle / 7200), 5) - 0.5);
        const factor = Math.round(ofRoute.factor * ofBrowser.factor * slowness * load * searching * 50) / 50;
        const shares = shape(metric, factor, Math.round(slow * 20) / 20, incident.factor);
        const expected = views * ofRoute.weight * ofBrowser.weight;
        for (let i = 0; i < BINS; i += 1) {
          const mean = expected * (shares[i] ?? 0);
          if (mean < 1e-7) continue;
          counts[i] = (counts[i] ?? 0) + draw(mean, hash(t, r * 8 + b, i, metric.length), hash(i, t, b));
        }
      });
    });
  }
  if (memo.size > 20_000) memo.clear();
  memo.set(key, counts);
  return counts;
}

/** The width of the blocks that counts are made in, for a question over `length` seconds: fine enough, but not slow. */
/** @param {number} length @param {number} step */
export function blockFor(length, step) {
  const wanted = length > 3 * 86_400 ? 3600 : length > 7200 ? 600 : 60;
  return Math.min(wanted, step);
}

/**
 * Counts by fine bin in `[from, to)`, up to `now`.
 * @param {Slice} slice @param {number} from @param {number} to @param {number} block @param {number} now
 */
export function countsOver(slice, from, to, block, now) {
  const sum = new Float64Array(BINS);
  for (let t = Math.floor(from / block) * block; t < to; t += block) {
    if (t >= now) break;
    const counts = countsIn(slice, t, block);
    const part = Math.min(1, (now - t) / block);
    for (let i = 0; i < BINS; i += 1) sum[i] = (sum[i] ?? 0) + (part < 1 ? Math.floor((counts[i] ?? 0) * part) : (counts[i] ?? 0));
  }
  return sum;
}
