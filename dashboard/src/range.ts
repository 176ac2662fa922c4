/** Time ranges: as chosen, as resolved against a clock, and what they are compared with. Pure. */

/** Half-open, in seconds since the epoch. */
export interface Span {
  from: number;
  to: number;
}

/** The last so many seconds up to now, or a fixed span. */
export type Range = { last: number } | Span;

export const MINUTE = 60;
export const HOUR = 3600;
export const DAY = 24 * HOUR;
export const WEEK = 7 * DAY;

export const PRESETS: readonly { last: number; label: string }[] = [
  { last: HOUR, label: "Last hour" },
  { last: 6 * HOUR, label: "Last 6 hours" },
  { last: DAY, label: "Last 24 hours" },
  { last: 7 * DAY, label: "Last 7 days" },
  { last: 21 * DAY, label: "Last 21 days" },
];

export const DEFAULT_RANGE: Range = { last: DAY };

export function isLive(range: Range): range is { last: number } {
  return "last" in range;
}

export function resolve(range: Range, now: number): Span {
  return isLive(range) ? { from: now - range.last, to: now } : range;
}

export const lengthOf = (span: Span): number => span.to - span.from;

// Steps that divide a day, so that windows start at the same times every day.
export const STEPS = [60, 120, 300, 600, 900, 1200, 1800, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR, 8 * HOUR, 12 * HOUR, DAY];

/**
 * The narrowest step that cuts `span` into at most `columns` windows. Where rollups of a minute are
 * no longer kept (`minuteRetention` seconds back from `now`) it is at least an hour.
 */
export function stepFor(span: Span, columns: number, now: number, minuteRetention: number): number {
  const least = span.from < now - minuteRetention ? HOUR : MINUTE;
  return STEPS.find((step) => step >= least && lengthOf(span) / step <= columns) ?? DAY;
}

/** The windows of `step` that `span` touches, and the one that begins where it ends: as long at any time of a moving span. */
export function outward({ from, to }: Span, step: number): Span {
  return { from: Math.floor(from / step) * step, to: Math.floor(to / step) * step + step };
}

/** The span of the same length that ends where this one begins. */
export function before(span: Span): Span {
  return { from: span.from - lengthOf(span), to: span.from };
}

/** The same length so many whole weeks earlier that the two don't overlap. */
export function weeksEarlier(span: Span): Span {
  const shift = Math.max(1, Math.ceil(lengthOf(span) / WEEK)) * WEEK;
  return { from: span.from - shift, to: span.to - shift };
}

/** A span whose ends move seldom, so that what it is compared with is not asked again every tick. */
export function coarse(span: Span): Span {
  const grain = Math.max(MINUTE, Math.round(lengthOf(span) / 100 / MINUTE) * MINUTE);
  const from = Math.floor(span.from / grain) * grain;
  return { from, to: from + lengthOf(span) };
}

/** How the comparison of [`weeksEarlier`] is called in a sentence. */
export function earlierName(span: Span): string {
  const length = lengthOf(span);
  if (length === HOUR) return "the same hour a week earlier";
  if (length < WEEK) return `the same ${lengthName(length)} a week earlier`;
  if (length === WEEK) return "the week before";
  return length % WEEK === 0 ? `the ${lengthName(length)} before` : "the same weekdays earlier";
}

/** A length in words: `24 hours`, `7 days`, `90 minutes`. */
export function lengthName(seconds: number): string {
  const of = (n: number, unit: string) => `${n} ${unit}${n === 1 ? "" : "s"}`;
  if (seconds > DAY && seconds % DAY === 0) return of(seconds / DAY, "day");
  if (seconds >= HOUR && seconds % HOUR === 0) return of(seconds / HOUR, "hour");
  if (seconds >= 2 * DAY) return of(Math.round(seconds / DAY), "day");
  if (seconds >= 2 * HOUR) return of(Math.round(seconds / HOUR), "hour");
  return of(Math.max(1, Math.round(seconds / MINUTE)), "minute");
}

/** The same after `the last` or `the ... before`, where one is not counted: `hour`, `24 hours`. */
export const lengthNoun = (seconds: number): string => lengthName(seconds).replace(/^1 /, "");

/** A step in words, for "each column is ...". */
export function stepName(seconds: number): string {
  if (seconds === MINUTE) return "a minute";
  if (seconds === HOUR) return "an hour";
  if (seconds === DAY) return "a day";
  return lengthName(seconds);
}

/** `24h`, `7d`, `90m`: a length as it stands in the URL. */
export function lengthCode(seconds: number): string {
  if (seconds > DAY && seconds % DAY === 0) return `${seconds / DAY}d`;
  if (seconds % HOUR === 0) return `${seconds / HOUR}h`;
  return `${Math.round(seconds / MINUTE)}m`;
}

/** The length that a code says, in seconds; `null` for what is none, or longer than two years. */
export function parseLength(code: string): number | null {
  const match = /^(\d{1,6})([mhd])$/.exec(code);
  if (match === null) return null;
  const seconds = Number(match[1]) * { m: MINUTE, h: HOUR, d: DAY }[match[2] as "m" | "h" | "d"];
  return seconds > 0 && seconds <= 730 * DAY ? seconds : null;
}

/** A fixed span as it stands in the URL: `2026-11-20T10:00Z..2026-11-21T10:00Z`. */
export const spanCode = (span: Span): string => `${timeCode(span.from)}..${timeCode(span.to)}`;

function timeCode(seconds: number): string {
  const iso = new Date(seconds * 1000).toISOString();
  return iso.endsWith(":00.000Z") ? `${iso.slice(0, 16)}Z` : `${iso.slice(0, 19)}Z`;
}

export function parseSpan(code: string): Span | null {
  const [from, to, more] = code.split("..").map((end) => Date.parse(end) / 1000);
  if (from === undefined || to === undefined || more !== undefined) return null;
  return Number.isFinite(from) && Number.isFinite(to) && from < to ? { from, to } : null;
}

/** Seconds since the epoch of a time in an answer. */
export const seconds = (rfc3339: string): number => Date.parse(rfc3339) / 1000;
