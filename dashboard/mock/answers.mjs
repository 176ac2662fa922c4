// @ts-check
/** The API's answers about the imagined users; the types are the contract. */

import { BINS, blockFor, bound, countsOver, FINE } from "./counts.mjs";
import { APPS, BROWSERS, INDEPENDENT, METRICS, ROUTES, TOGETHER } from "./world.mjs";

/** @typedef {import("../src/answer").Unit} Unit */
/** @typedef {import("./counts.mjs").Slice} Slice */
/** @typedef {{ slice: Slice, sampled: boolean, from: number, to: number, step: number, quantiles: number[], now: number, limit: number, binsPerOctave: number }} Asked */

/** @param {number} seconds */
export const rfc3339 = (seconds) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");

/** @param {Slice} slice */
const unitOf = ({ metric }) => METRICS[metric]?.unit ?? "ms";

/** @param {Asked} asked */
const asked = ({ slice, sampled, from, to }) => {
  const wanted = Object.keys(slice.filters);
  return {
    app: slice.app,
    metric: slice.metric,
    unit: unitOf(slice),
    from: rfc3339(from),
    to: rfc3339(to),
    filter: slice.filters,
    cuboid: sampled ? [] : (TOGETHER.find((set) => wanted.every((dimension) => set.includes(dimension))) ?? []),
    source: sampled ? "samples" : "rollups",
    ...(sampled ? { sampled: { beacons: 120_000, samples: 12_000 } } : {}),
  };
};

/** @param {Float64Array} counts */
const sum = (counts) => counts.reduce((total, n) => total + n, 0);

/** @param {Float64Array} counts @param {number} rank @param {Unit} unit */
function valueAt(counts, rank, unit) {
  let seen = 0;
  for (let i = 0; i < BINS; i += 1) {
    const n = counts[i] ?? 0;
    if (n > 0 && seen + n >= rank) return i === 0 ? 0 : bound(i, unit) * 2 ** (Math.max(0, (rank - seen) / n) / FINE);
    seen += n;
  }
  return 0;
}

/** Of how many values a sampled one stands. */
const STANDS_FOR = 10;

/** @param {number} n @param {Asked} asked */
const samplesOf = (n, { sampled }) => (sampled ? Math.ceil(n / STANDS_FOR) : n);

/** @param {Float64Array} counts @param {Asked} asked @returns {import("../src/answer").Summary} */
function summary(counts, asked) {
  const { slice, quantiles } = asked;
  const [n, unit] = [sum(counts), unitOf(slice)];
  if (n === 0) return { n: 0, samples: 0, quantiles: [] };
  const mean = unit === "count" ? 1 : counts.reduce((total, count, i) => total + count * bound(i + 0.5, unit), 0) / n;
  return {
    n,
    samples: samplesOf(n, asked),
    mean,
    quantiles: quantiles.map((q) => {
      const half = 1.96 * Math.sqrt((n * n * q * (1 - q)) / samplesOf(n, asked));
      const value = valueAt(counts, q * n, unit);
      return samplesOf(n, asked) < 20
        ? { q, value }
        : { q, value, low: valueAt(counts, Math.max(1, q * n - half), unit), high: valueAt(counts, Math.min(n, q * n + half), unit) };
    }),
  };
}

/** @param {Float64Array} counts @param {Asked} asked */
function ratings(counts, { slice }) {
  const metric = METRICS[slice.metric];
  if (metric?.good === undefined || metric.poor === undefined) return undefined;
  const answer = { good: 0, needs_improvement: 0, poor: 0 };
  for (let i = 0; i < BINS; i += 1) {
    const value = bound(i + 0.5, metric.unit);
    answer[value <= metric.good ? "good" : value <= metric.poor ? "needs_improvement" : "poor"] += counts[i] ?? 0;
  }
  return answer;
}

/** The coarse bin that a fine one falls into. @param {number} i @param {number} perOctave */
const coarse = (i, perOctave) => (i === 0 ? 0 : 1 + Math.floor(((i - 1) * perOctave) / FINE));

/** @param {number} c @param {number} perOctave @param {Unit} unit */
const edges = (c, perOctave, unit) =>
  c === 0
    ? { from: 0, to: bound(1, unit) }
    : { from: bound(1 + ((c - 1) * FINE) / perOctave, unit), to: bound(1 + (c * FINE) / perOctave, unit) };

/** @param {Float64Array} counts @param {Asked} asked @returns {import("../src/answer").Bin[]} */
function bins(counts, { slice, binsPerOctave }) {
  /** @type {Map<number, number>} */
  const merged = new Map();
  for (let i = 0; i < BINS; i += 1) {
    const n = counts[i] ?? 0;
    if (n > 0) merged.set(coarse(i, binsPerOctave), (merged.get(coarse(i, binsPerOctave)) ?? 0) + n);
  }
  return [...merged].map(([c, n]) => ({ ...edges(c, binsPerOctave, unitOf(slice)), n }));
}

/** @param {Asked} of @param {Slice} [slice] */
const over = (of, slice = of.slice) => countsOver(slice, of.from, of.to, blockFor(of.to - of.from, of.step), of.now);

/** @param {Asked} of @param {string} dimension @param {string} value @returns {Slice} */
const within = ({ slice }, dimension, value) => ({ ...slice, filters: { ...slice.filters, [dimension]: [value] } });

/** @param {string} dimension @param {import("./counts.mjs").History} history */
export function valuesOf(dimension, history) {
  if (dimension === "route") return Object.keys(ROUTES);
  if (dimension === "browser") return Object.keys(BROWSERS);
  if (dimension === "release") return ["4.11.1", ...history.releases.map(({ release }) => release)];
  return Object.keys(INDEPENDENT[dimension] ?? {});
}

/** @param {Asked} of @param {string} dimension */
const passing = (of, dimension) =>
  valuesOf(dimension, of.slice.history).filter((value) => of.slice.filters[dimension]?.includes(value) ?? true);

/** @param {Asked} of @param {string | null} groupBy @returns {import("../src/answer").Timeseries} */
export function timeseries(of, groupBy) {
  const block = blockFor(of.to - of.from, of.step);
  const series = (groupBy === null ? [null] : passing(of, groupBy)).map((value) => {
    const slice = value === null || groupBy === null ? of.slice : within(of, groupBy, value);
    /** @type {import("../src/answer").Point[]} */
    const points = [];
    for (let t = Math.floor(of.from / of.step) * of.step; t < of.to; t += of.step) {
      const point = summary(countsOver(slice, t, t + of.step, block, of.now), of);
      if (point.n > 0) points.push({ at: rfc3339(t), ...point });
    }
    const n = points.reduce((total, point) => total + point.n, 0);
    return { ...(value === null ? {} : { value }), n, points };
  });
  const shown = series.sort((a, b) => b.n - a.n).filter(({ n }) => groupBy === null || n > 0);
  return {
    ...asked(of),
    step_s: of.step,
    resolution: of.step < 3600 ? "minute" : "hour",
    ...(groupBy === null ? {} : { group_by: groupBy }),
    series: shown.slice(0, of.limit),
    series_total: shown.length,
  };
}

/** @param {Asked} of @returns {import("../src/answer").Histogram} */
export function histogram(of) {
  const counts = over(of);
  const rated = ratings(counts, of);
  return { ...asked(of), ...summary(counts, of), ...(rated === undefined ? {} : { ratings: rated }), bins: bins(counts, of) };
}

/** @param {Asked} of @param {string} by @param {string} order @returns {import("../src/answer").Breakdown} */
export function breakdown(of, by, order) {
  const n = sum(over(of));
  const { good, unit } = METRICS[of.slice.metric] ?? {};
  const rows = passing(of, by).flatMap((value) => {
    const counts = over(of, within(of, by, value));
    const row = summary(counts, of);
    if (row.n === 0) return [];
    const rated = ratings(counts, of);
    const overGood =
      good === undefined || unit === undefined
        ? undefined
        : counts.reduce((total, count, i) => total + count * Math.max(0, bound(i + 0.5, unit) - good), 0);
    return [
      {
        value,
        share: Math.min(1, row.n / Math.max(1, n)),
        ...row,
        ...(rated && { ratings: rated }),
        ...(overGood !== undefined && { over_good: overGood }),
        bins: bins(counts, of),
      },
    ];
  });
  rows.sort((a, b) =>
    order === "over_good"
      ? (b.over_good ?? 0) - (a.over_good ?? 0)
      : order === "quantile"
        ? (b.quantiles[0]?.value ?? 0) - (a.quantiles[0]?.value ?? 0)
        : b.n - a.n,
  );
  return { ...asked(of), by, n, rows: rows.slice(0, of.limit), rows_total: rows.length };
}

/** @param {Asked} of @returns {import("../src/answer").Heatmap} */
export function heatmap(of) {
  const block = blockFor(of.to - of.from, of.step);
  /** @type {{ at: number, merged: Map<number, number> }[]} */
  const columns = [];
  for (let t = Math.floor(of.from / of.step) * of.step; t < of.to; t += of.step) {
    const counts = countsOver(of.slice, t, t + of.step, block, of.now);
    /** @type {Map<number, number>} */
    const merged = new Map();
    for (let i = 0; i < BINS; i += 1) {
      const [c, n] = [coarse(i, of.binsPerOctave), counts[i] ?? 0];
      if (n > 0) merged.set(c, (merged.get(c) ?? 0) + n);
    }
    if (merged.size > 0) columns.push({ at: t, merged });
  }
  const used = columns.flatMap(({ merged }) => [...merged.keys()]);
  const [low, high] = used.length === 0 ? [0, -1] : [used.reduce((a, b) => Math.min(a, b)), used.reduce((a, b) => Math.max(a, b))];
  const total = (/** @type {Map<number, number>} */ merged) => [...merged.values()].reduce((a, b) => a + b, 0);
  const n = columns.reduce((all, { merged }) => all + total(merged), 0);
  return {
    ...asked(of),
    step_s: of.step,
    resolution: of.step < 3600 ? "minute" : "hour",
    n,
    samples: samplesOf(n, of),
    rows: Array.from({ length: high - low + 1 }, (_, r) => edges(low + r, of.binsPerOctave, unitOf(of.slice))),
    columns: columns.map(({ at, merged }) => ({
      at: rfc3339(at),
      n: total(merged),
      cells: [...merged].map(([c, count]) => /** @type {[number, number]} */ ([c - low, count])),
    })),
    releases: (APPS[of.slice.app]?.incident ? of.slice.history.releases : [])
      .filter(({ at }) => at >= of.from && at < of.to)
      .map(({ release, at }) => ({ release, first_seen: rfc3339(at) })),
  };
}
