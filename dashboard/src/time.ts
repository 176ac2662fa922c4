/** Times in the browser's own zone. `zone` is an argument only so that tests don't depend on it. */

import { DAY, HOUR, isLive, lengthNoun, PRESETS, type Range, type Span } from "./range";

export type Zone = string | undefined;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions, zone: Zone): Intl.DateTimeFormat {
  const key = JSON.stringify([options, zone]);
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat("en-GB", { ...options, ...(zone === undefined ? {} : { timeZone: zone }) });
    formats.set(key, found);
  }
  return found;
}

const at = (seconds: number) => new Date(seconds * 1000);

/** `14:05` */
export const clock = (seconds: number, zone?: Zone): string => format({ hour: "2-digit", minute: "2-digit" }, zone).format(at(seconds));

/** `14:05:02` */
export const clockSeconds = (seconds: number, zone?: Zone): string =>
  format({ hour: "2-digit", minute: "2-digit", second: "2-digit" }, zone).format(at(seconds));

/** `Fri` */
export const weekday = (seconds: number, zone?: Zone): string => format({ weekday: "short" }, zone).format(at(seconds));

/** `21 Nov` */
export const date = (seconds: number, zone?: Zone): string => format({ day: "numeric", month: "short" }, zone).format(at(seconds));

/** A time as short as it stays clear beside `now`: `14:05`, `Fri 14:05`, `3 Nov 14:05`. */
export function moment(seconds: number, now: number, zone?: Zone): string {
  if (date(seconds, zone) === date(now, zone) && Math.abs(now - seconds) < DAY) return clock(seconds, zone);
  const day = Math.abs(now - seconds) < 6 * DAY ? weekday(seconds, zone) : date(seconds, zone);
  return `${day} ${clock(seconds, zone)}`;
}

/** `Fri 14:00–16:00`, `Fri 22:00 – Sat 04:00` */
export function spanName(span: Span, now: number, zone?: Zone): string {
  if (span.to - span.from < DAY && date(span.from, zone) === date(span.to - 1, zone)) {
    return `${moment(span.from, now, zone)}–${clock(span.to, zone)}`;
  }
  const day = Math.abs(now - span.from) < 6 * DAY ? weekday : date;
  return `${day(span.from, zone)} ${clock(span.from, zone)} – ${day(span.to, zone)} ${clock(span.to, zone)}`;
}

/** What the range picker says. */
export function rangeName(range: Range, now: number, zone?: Zone): string {
  if (!isLive(range)) return spanName(range, now, zone);
  return PRESETS.find((preset) => preset.last === range.last)?.label ?? `Last ${lengthNoun(range.last)}`;
}

/** The zone that times are shown in: `Europe/Berlin (UTC+1)`. */
export function zoneName(now: number): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const offset = format({ timeZoneName: "shortOffset" }, timeZone)
    .formatToParts(at(now))
    .find((part) => part.type === "timeZoneName")
    ?.value.replace("GMT", "UTC");
  return offset === undefined || offset === timeZone ? timeZone : `${timeZone} (${offset})`;
}

/** Seconds that the zone is ahead of UTC at a time. */
export function zoneOffset(seconds: number, zone?: Zone): number {
  if (zone === undefined) return -at(seconds).getTimezoneOffset() * 60;
  const parts = Object.fromEntries(
    format(
      { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
      zone,
    )
      .formatToParts(at(seconds))
      .map((part) => [part.type, Number(part.value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - Math.floor(seconds);
}

/** `2026-11-21T14:05` in local time, as `<input type="datetime-local">` has it. */
export function toInput(seconds: number): string {
  return new Date((seconds + zoneOffset(seconds)) * 1000).toISOString().slice(0, 16);
}

/** Seconds since the epoch of what such an input holds; `null` when it is empty or wrong. */
export function fromInput(text: string): number | null {
  const ms = new Date(text).getTime();
  return Number.isFinite(ms) ? ms / 1000 : null;
}

/** A tick of a time axis. */
export interface Tick {
  at: number;
  label: string;
}

const TICK_STEPS = [60, 300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY];

/**
 * Ticks at round local times, at most `most` of them. The first one, and each that begins a day, names
 * the day, so that the axis needs no other.
 */
export function timeTicks(span: Span, most: number, zone?: Zone): Tick[] {
  const length = span.to - span.from;
  const step = TICK_STEPS.find((candidate) => Math.floor(length / candidate) <= most) ?? 28 * DAY * Math.ceil(length / (28 * DAY * most));
  const ticks: Tick[] = [];
  let lastDay = "";
  for (let local = Math.ceil((span.from + zoneOffset(span.from, zone)) / step) * step; ; local += step) {
    const utc = local - zoneOffset(local - zoneOffset(span.from, zone), zone);
    if (utc > span.to) return ticks;
    if (utc < span.from) continue;
    const day = date(utc, zone);
    ticks.push({ at: utc, label: tickLabel(utc, step, day !== lastDay, length, zone) });
    lastDay = day;
  }
}

function tickLabel(utc: number, step: number, newDay: boolean, length: number, zone: Zone): string {
  if (step >= DAY) return length > 9 * DAY ? date(utc, zone) : `${weekday(utc, zone)} ${date(utc, zone)}`;
  if (!newDay) return clock(utc, zone);
  return `${length > 6 * DAY ? date(utc, zone) : weekday(utc, zone)} ${clock(utc, zone)}`;
}
