// @ts-check
/**
 * An imagined shop's users, as far as charts need them: how many, how fast, when. Nothing is stored;
 * every count is a pure function of the slice, the time and a hash, so that two questions about the
 * same users get the same counts.
 */

/** @typedef {import("../src/answer").Unit} Unit */
/** @typedef {{ weight: number, factor: number }} Kind how many of the users, and how slow against the average */

export const HOUR = 3600;
export const DAY = 24 * HOUR;

/** Dimensions whose values depend on each other: they are modelled together. */
/** @type {Record<string, Kind>} */
export const ROUTES = {
  "/": { weight: 0.24, factor: 0.8 },
  "/product/:id": { weight: 0.31, factor: 1.12 },
  "/search": { weight: 0.16, factor: 0.95 },
  "/checkout": { weight: 0.17, factor: 1.05 },
  "/account": { weight: 0.07, factor: 0.9 },
  "/assistant": { weight: 0.03, factor: 1.3 },
  "/help/<b>delivery</b>": { weight: 0.02, factor: 0.7 },
};

/** @type {Record<string, Kind>} */
export const BROWSERS = {
  Chrome: { weight: 0.45, factor: 1 },
  "Mobile Safari": { weight: 0.3, factor: 0.97 },
  Edge: { weight: 0.09, factor: 0.9 },
  Safari: { weight: 0.08, factor: 0.85 },
  Firefox: { weight: 0.06, factor: 0.98 },
  "Samsung Internet": { weight: 0.02, factor: 1.3 },
};

/** Dimensions that are taken to be independent of all else. */
/** @type {Record<string, Record<string, Kind>>} */
export const INDEPENDENT = {
  device: { mobile: { weight: 0.56, factor: 1.15 }, desktop: { weight: 0.39, factor: 0.8 }, tablet: { weight: 0.05, factor: 1.05 } },
  country: {
    US: { weight: 0.31, factor: 0.85 },
    IN: { weight: 0.16, factor: 1.45 },
    BR: { weight: 0.13, factor: 1.3 },
    DE: { weight: 0.12, factor: 0.8 },
    GB: { weight: 0.1, factor: 0.82 },
    JP: { weight: 0.08, factor: 0.78 },
    FR: { weight: 0.06, factor: 0.85 },
    __other__: { weight: 0.03, factor: 1.5 },
    "": { weight: 0.01, factor: 1 },
  },
  network: {
    AS7922: { weight: 0.3, factor: 0.85 },
    AS55836: { weight: 0.2, factor: 1.35 },
    AS28573: { weight: 0.12, factor: 1.3 },
    AS3320: { weight: 0.14, factor: 0.85 },
    __other__: { weight: 0.24, factor: 1.05 },
  },
  browser_version: {
    "Chrome 151": { weight: 0.41, factor: 1 },
    "Mobile Safari 26": { weight: 0.2, factor: 0.97 },
    "Chrome 150": { weight: 0.14, factor: 1.04 },
    "Edge 151": { weight: 0.1, factor: 0.9 },
    "Safari 26": { weight: 0.09, factor: 0.85 },
    "Firefox 149": { weight: 0.06, factor: 0.98 },
  },
  os: {
    "Android 16": { weight: 0.38, factor: 1.25 },
    "Windows 11": { weight: 0.26, factor: 0.85 },
    "iOS 26": { weight: 0.23, factor: 0.95 },
    "macOS 26": { weight: 0.11, factor: 0.75 },
    Linux: { weight: 0.02, factor: 0.8 },
  },
  connection: {
    "4g": { weight: 0.81, factor: 0.9 },
    "3g": { weight: 0.12, factor: 1.7 },
    "": { weight: 0.05, factor: 1 },
    "2g": { weight: 0.02, factor: 3 },
  },
  plan: { free: { weight: 0.83, factor: 1.02 }, pro: { weight: 0.17, factor: 0.93 } },
  experiment: { checkout: { weight: 1, factor: 1 } },
  arm: { A: { weight: 0.5, factor: 1 }, B: { weight: 0.5, factor: 0.96 } },
};

/** The sets that can be asked about together: the house's default cuboids, with `plan` as a dimension of the app's own. */
export const TOGETHER = [
  [],
  ["route", "country", "device"],
  ["route", "browser"],
  ["browser", "browser_version", "os"],
  ["route", "device", "release"],
  ["country", "network", "connection"],
  ["device", "experiment", "arm"],
  ["device", "plan"],
];

/** @typedef {{ at: number, spread: number, part: number }} Mode a log-normal hump: median, sigma of the logarithm, part of the values */
/** @typedef {{ title: string, unit: Unit, good?: number, poor?: number, modes: Mode[], zeros?: number, coverage: number, only?: string }} Measured */

/** @type {Record<string, Measured>} */
export const METRICS = {
  LCP: {
    title: "Largest Contentful Paint",
    unit: "ms",
    good: 2500,
    poor: 4000,
    coverage: 0.92,
    modes: [
      { at: 2050, spread: 0.42, part: 0.74 },
      { at: 1150, spread: 0.33, part: 0.24 },
      { at: 7000, spread: 0.5, part: 0.02 },
    ],
  },
  INP: {
    title: "Interaction to Next Paint",
    unit: "ms",
    good: 200,
    poor: 500,
    coverage: 0.71,
    modes: [
      { at: 92, spread: 0.62, part: 0.92 },
      { at: 420, spread: 0.5, part: 0.08 },
    ],
  },
  CLS: {
    title: "Cumulative Layout Shift",
    unit: "score",
    good: 0.1,
    poor: 0.25,
    coverage: 0.94,
    zeros: 0.38,
    modes: [{ at: 0.035, spread: 0.95, part: 1 }],
  },
  FCP: {
    title: "First Contentful Paint",
    unit: "ms",
    good: 1800,
    poor: 3000,
    coverage: 0.95,
    modes: [{ at: 1350, spread: 0.42, part: 1 }],
  },
  TTFB: {
    title: "Time to First Byte",
    unit: "ms",
    good: 800,
    poor: 1800,
    coverage: 0.99,
    modes: [
      { at: 180, spread: 0.45, part: 0.55 },
      { at: 700, spread: 0.36, part: 0.45 },
    ],
  },
  "navigation.dns": { title: "DNS lookup", unit: "ms", coverage: 0.34, modes: [{ at: 14, spread: 0.9, part: 1 }] },
  "navigation.tls": { title: "TLS handshake", unit: "ms", coverage: 0.32, modes: [{ at: 48, spread: 0.6, part: 1 }] },
  "navigation.request": {
    title: "Request sent to first byte",
    unit: "ms",
    coverage: 0.98,
    modes: [
      { at: 120, spread: 0.5, part: 0.6 },
      { at: 520, spread: 0.35, part: 0.4 },
    ],
  },
  "navigation.load": { title: "Navigation to load", unit: "ms", coverage: 0.9, modes: [{ at: 2600, spread: 0.5, part: 1 }] },
  ttft: { title: "ttft", unit: "ms", coverage: 0.8, only: "/assistant", modes: [{ at: 620, spread: 0.45, part: 1 }] },
  error: { title: "Errors", unit: "count", coverage: 0.012, modes: [] },
  page_view: { title: "Page views", unit: "count", coverage: 1, modes: [] },
};

/** Page views a minute at the peak of the day, by app; `fresh` has had none, `broken` answers nothing. */
/** @type {Record<string, { peak: number, incident: boolean }>} */
export const APPS = {
  shop: { peak: 1250, incident: true },
  docs: { peak: 90, incident: false },
  trial: { peak: 0.12, incident: false },
  fresh: { peak: 0, incident: false },
  broken: { peak: 100, incident: false },
};

/** What happened, relative to when the mock was started. */
/** @param {number} started seconds since the epoch */
export function historyOf(started) {
  const released = Math.floor((started - 7.9 * HOUR) / 60) * 60;
  return {
    released,
    /** Release 4.12.0 makes `/checkout` slow in Mobile Safari. */
    incident: { from: released + 120, route: "/checkout", browser: "Mobile Safari", factor: 3.1, part: 0.8 },
    /** Errors in Brazil, half an hour ago; not yet told to anybody. */
    errors: { from: Math.floor((started - 26 * 60) / 60) * 60, country: "BR", factor: 4 },
    /** A slow search, over since. */
    search: { from: released - 9 * HOUR, to: released - 8.3 * HOUR, route: "/search", factor: 1.7 },
    releases: [
      { release: "4.11.2", at: released - 9 * DAY },
      { release: "4.11.3", at: released - 14.2 * HOUR },
      { release: "4.12.0", at: released },
    ],
  };
}

/** The release that page views at `t` are on, as shares: a roll-out takes 40 minutes. */
/** @param {ReturnType<typeof historyOf>} history @param {number} t @returns {Record<string, number>} */
export function releaseShares(history, t) {
  /** @type {Record<string, number>} */
  const shares = {};
  let left = 1;
  for (const { release, at } of [...history.releases].reverse()) {
    const share = left * Math.min(1, Math.max(0, (t - at) / 2400));
    if (share > 0) shares[release] = share;
    left -= share;
  }
  if (left > 0) shares["4.11.1"] = left;
  return shares;
}

// the incident is to be seen whenever the mock is started, so the day's peak is some hours ago
const PEAK_HOUR = (Date.now() / 1000 / HOUR - 4) % 24;

/** How many page views there are at `t` against the peak: nights and Sundays are quiet. */
/** @param {number} t */
export function tide(t) {
  const hour = ((t % DAY) / HOUR - PEAK_HOUR + 15 + 24) % 24;
  const day = Math.floor(t / DAY + 4) % 7;
  const daily = 0.55 + 0.4 * Math.cos(((hour - 15) / 24) * 2 * Math.PI) + 0.05 * Math.cos(((hour - 20) / 12) * 2 * Math.PI);
  return daily * (day === 0 ? 0.72 : day === 6 ? 0.84 : 1);
}

/** A number in [0, 1) that looks random and depends on nothing but its arguments. */
/** @param {...number} of */
export function hash(...of) {
  let h = 2166136261;
  for (const n of of) {
    h = Math.imul(h ^ (n | 0), 16777619);
    h = Math.imul(h ^ (h >>> 13), 1540483477);
  }
  h ^= h >>> 15;
  return (h >>> 0) / 4294967296;
}

/** A whole number near `expected`, as far off as chance would have it. */
/** @param {number} expected @param {number} chance in [0, 1) @param {number} more in [0, 1) */
export function draw(expected, chance, more) {
  if (expected <= 0) return 0;
  if (expected < 8) {
    let [k, p] = [0, Math.exp(-expected)];
    for (let sum = p; chance > sum && k < 60; sum += p) {
      k += 1;
      p *= expected / k;
    }
    return k;
  }
  const normal = Math.sqrt(-2 * Math.log(1 - chance)) * Math.cos(2 * Math.PI * more);
  return Math.max(0, Math.round(expected + Math.sqrt(expected) * normal));
}
