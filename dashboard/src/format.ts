/** Numbers as people read them. A no-break space stands between a number and its unit. Pure. */

import type { Unit } from "./answer";

const NB = "\u00a0";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** `1,243,118` */
export const count = (n: number): string => whole.format(n);

/**
 * How many values an answer counts: `n = 1,243,118`; where it was estimated, from how many samples: `n ≈ 41,200, estimated from 812 samples`.
 */
export const counted = (n: number, { source, samples }: { source?: string; samples: number }): string =>
  source === "samples" ? `n ≈ ${count(n)}, estimated from ${count(samples)} samples` : `n = ${count(n)}`;

/** `41.2 k`, `1.14 M`; below a thousand as it is. Three digits at most. */
export function compact(n: number): string {
  const scales: [number, string][] = [
    [1e12, "T"],
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "k"],
  ];
  for (const [scale, name] of scales) {
    // 999,600 reads 1.00 M, not 1000 k
    if (n >= scale * 0.9995) return digits3(n / scale) + NB + name;
  }
  return Number.isInteger(n) ? whole.format(n) : digits3(n);
}

/** Three significant digits, without an exponent. */
export function digits3(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return whole.format(value);
  if (size >= 9.995) return value.toFixed(1);
  return size >= 0.9995 || size === 0 ? trimZeros(value.toFixed(2), 1) : trimZeros(value.toPrecision(2), 1);
}

// keeps at least `keep` characters, so that 1.00 is not read as a count of one
function trimZeros(text: string, keep: number): string {
  const trimmed = text.replace(/\.?0+$/, "");
  return trimmed.length >= keep ? trimmed : text;
}

/** `71.4 %`; a share near an end keeps the digit that tells it from the end. */
export function percent(share: number, places = 1): string {
  const text = (share * 100).toFixed(places);
  if (share < 1 && Number(text) === 100) return `> 99.9${NB}%`;
  if (share > 0 && Number(text) === 0) return places > 0 ? `< 0.1${NB}%` : `< 1${NB}%`;
  return `${text}${NB}%`;
}

/** A value in its unit: `174 ms`, `2.71 s`, `0.06`, `1.2 kB`. */
export function value(v: number, unit: Unit): string {
  switch (unit) {
    case "ms":
      return duration(v);
    case "score":
      return score(v);
    case "bytes":
      return bytes(v);
    case "count":
      return compact(v);
    case "per_second":
      return `${digits3(v)}${NB}/s`;
  }
}

/** The same with one more digit where the unit's usual ones hide a difference: beside an interval. */
export const precise = (v: number, unit: Unit): string => (unit === "score" && Math.abs(v) < 9.95 ? v.toFixed(3) : value(v, unit));

function duration(ms: number): string {
  const size = Math.abs(ms);
  if (size === 0) return `0${NB}ms`;
  if (size < 9.95) return `${ms.toFixed(1)}${NB}ms`;
  if (size < 999.5) return `${Math.round(ms)}${NB}ms`;
  if (size < 9_995) return `${(ms / 1000).toFixed(2)}${NB}s`;
  if (size < 99_950) return `${(ms / 1000).toFixed(1)}${NB}s`;
  return lasting(ms);
}

function score(v: number): string {
  if (v === 0) return "0";
  return Math.abs(v) < 0.0095 ? v.toFixed(3) : v.toFixed(Math.abs(v) < 9.95 ? 2 : 1);
}

function bytes(v: number): string {
  if (v < 999.5) return `${Math.round(v)}${NB}B`;
  const scales: [number, string][] = [
    [1e9, "GB"],
    [1e6, "MB"],
    [1e3, "kB"],
  ];
  const [scale, name] = scales.find(([size]) => v >= size * 0.9995) ?? [1e3, "kB"];
  return digits3(v / scale) + NB + name;
}

/** A long stretch of time in its largest unit: `9.8 h`, `42 min`, `3.1 d`. For sums. */
export function lasting(ms: number): string {
  const scales: [number, string][] = [
    [86_400_000 * 2, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1000, "s"],
  ];
  for (const [least, name] of scales) {
    const scale = name === "d" ? 86_400_000 : least;
    const n = ms / scale;
    // one decimal throughout, so that a column of them lines up
    if (Math.abs(ms) >= least) return (Math.abs(n) < 99.95 ? n.toFixed(1) : whole.format(n)) + NB + name;
  }
  return `${Math.round(ms)}${NB}ms`;
}

/** How long ago, or how long something lasted, from seconds: `8 s`, `4 min`, `19 h 53 min`, `3 d 4 h`. */
export function elapsed(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s}${NB}s`;
  if (s < 3600) return `${Math.floor(s / 60)}${NB}min`;
  const parts = (big: number, bigName: string, small: number, smallName: string) =>
    `${big}${NB}${bigName}${small === 0 ? "" : `${NB}${small}${NB}${smallName}`}`;
  if (s < 86_400) return parts(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  return parts(Math.floor(s / 86_400), "d", Math.floor((s % 86_400) / 3600), "h");
}

/** A value that is read back from a histogram is its bucket's middle, off by this part of it at the most. */
const BUCKET = 1 / 256;

/** The half-width of an interval in the unit that `around` is shown in, without its name: `±0.02`. Never less than the histogram knows. */
export function plusMinus(low: number, high: number, around: number, unit: Unit): string {
  const half = Math.max(high - around, around - low, unit === "score" ? 0 : Math.abs(around) * BUCKET);
  switch (unit) {
    case "ms":
      if (Math.abs(around) >= 999.5) return `±${half < 9_950 ? Math.max(0.01, half / 1000).toFixed(2) : (half / 1000).toFixed(0)}`;
      return `±${half < 0.95 && half > 0 ? half.toFixed(1) : Math.round(half)}`;
    case "score":
      return `±${Math.max(0.001, half).toFixed(3)}`;
    case "bytes":
    case "count":
    case "per_second":
      return `±${value(half, unit)}`;
  }
}

/** `2.69–2.73 s`; the unit once where both ends have it. */
export function interval(low: number, high: number, unit: Unit): string {
  // the ends of an interval are near each other: a score needs the third decimal to tell them apart
  if (unit === "score") return `${low.toFixed(3)}–${high.toFixed(3)}`;
  const [a, b] = [value(low, unit), value(high, unit)];
  const [name, unitOfB] = [a.split(NB)[1], b.split(NB)[1]];
  return name !== undefined && name === unitOfB ? `${a.split(NB)[0]}–${b}` : `${a}–${b}`;
}

/** A change with its sign: `+4.4 s`, `−0.1 s`, `±0 ms`. The minus is a minus. */
export function change(v: number, unit: Unit): string {
  const text = unit === "score" ? Math.abs(v).toFixed(3) : value(Math.abs(v), unit);
  if (Number.parseFloat(text) === 0) return unit === "score" ? "±0" : `±${text}`;
  return `${v > 0 ? "+" : "−"}${text}`;
}

/** A ratio as a change: `+45 %`, `−18 %`, `±0 %`. */
export function ratioChange(ratio: number): string {
  const size = Math.round(Math.abs(ratio - 1) * 100);
  return `${size === 0 ? "±" : ratio > 1 ? "+" : "−"}${whole.format(size)}${NB}%`;
}

/** A p-value: `p < 10⁻⁹`, `p = 0.003`. */
export function pValue(p: number): string {
  if (p >= 0.001) return `p${NB}=${NB}${Number(p.toPrecision(1))}`;
  const exponent = p <= 0 ? 300 : Math.floor(-Math.log10(p));
  return `p${NB}<${NB}10⁻${[...String(exponent)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}`;
}
