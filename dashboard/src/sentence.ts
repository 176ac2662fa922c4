/** The first line of a page: what a colleague would say. Pure; the pages only set it in type. */

import type { Alert, BreakdownRow, Histogram, Release } from "./answer";
import * as format from "./format";
import { earlierName, lengthNoun, type Span, seconds } from "./range";
import { shares } from "./rating";
import { valueName } from "./slices";
import { difference, wilson } from "./statistics";
import { moment, type Zone } from "./time";
import type { Place } from "./url";

/** A piece of a sentence; `to` makes it a link. */
export interface Part {
  text: string;
  tone?: "strong" | "soft" | "worse" | "better";
  to?: Partial<Place>;
}

/** Fewer rated page views than this and there is no sentence about their share. */
export const ENOUGH = 100;
/** A change smaller than this, in [0, 1], is called none, however sure it is. */
export const WORTH_SAYING = 0.005;
// a value of a dimension with fewer samples can't be what it was
const ENOUGH_OF_ONE = 30;

export type Rated = Pick<Histogram, "n" | "samples" | "ratings"> & Partial<Pick<Histogram, "source">>;
export type RatedRow = Pick<BreakdownRow, "value" | "samples" | "n" | "ratings">;

/** Rows of a breakdown, now and in the time compared with. */
export interface Compared {
  now: readonly RatedRow[];
  earlier: readonly RatedRow[];
}

export interface Facts {
  span: Span;
  /** Seconds since the epoch. */
  now: number;
  /** The metric's good threshold as it reads: `2.5 s`. */
  budget: string;
  rated: Rated;
  /** `null` until it is known. */
  earlier: Rated | null;
  routes: Compared | null;
  /** Of the route that lost most, when it has been asked. */
  browsers: Compared | null;
  releases: readonly Release[];
  /** Those not resolved, newest first. */
  open: readonly Alert[];
  zone?: Zone;
}

export function headline(facts: Facts): Part[] {
  const share = facts.rated.ratings === undefined ? null : shares(facts.rated.ratings)?.good;
  const alerts = openAlerts(facts);
  if (share === null || share === undefined || facts.rated.samples < ENOUGH) {
    const n = facts.rated.samples;
    const seen = n === 0 ? "none" : `only ${format.count(n)}`;
    const length = lengthNoun(facts.span.to - facts.span.from);
    return [
      { text: "Not enough page views to say", tone: "strong" },
      { text: `: ${seen} reported LCP in ${/^\d/.test(length) ? "these" : "this"} ${length}, and it takes ${ENOUGH}.` },
      ...alerts,
    ];
  }
  const { low, high } = wilson(share, facts.rated.samples);
  const change = compare(facts, share);
  const calm = change.direction !== "fewer" && facts.open.length === 0;
  return [
    { text: format.percent(share), tone: "strong" },
    { text: ` of page views showed their main content within ${facts.budget} ` },
    { text: `(±${points((high - low) / 2)}, ${format.counted(facts.rated.n, facts.rated)})`, tone: "soft" },
    ...change.parts,
    ...(change.direction === "fewer" ? lostSlice(facts) : []),
    ...alerts,
    ...(calm ? [{ text: " Nothing unusual." }] : []),
  ];
}

const points = (share: number): string =>
  (Math.abs(share) < 0.0095 ? Math.max(0.1, Math.abs(share) * 100) : Math.abs(share) * 100).toFixed(1);

type Direction = "fewer" | "more" | "same" | "unknown";

function compare(facts: Facts, share: number): { direction: Direction; parts: Part[] } {
  const { earlier } = facts;
  const then = earlier?.ratings === undefined ? undefined : shares(earlier.ratings)?.good;
  if (earlier === null || then === undefined || earlier.samples < ENOUGH) {
    const why = earlier === null ? "." : "; there is nothing a week earlier to compare it with.";
    return { direction: "unknown", parts: [{ text: why }] };
  }
  const diff = difference({ share, samples: facts.rated.samples }, { share: then, samples: earlier.samples });
  const name = earlierName(facts.span);
  const half = points((diff.high - diff.low) / 2);
  if ((diff.low <= 0 && diff.high >= 0) || Math.abs(diff.value) < WORTH_SAYING) {
    return { direction: "same", parts: [{ text: `, as many as ${name}` }, { text: ` (±${half} points)`, tone: "soft" }, { text: "." }] };
  }
  const fewer = diff.value < 0;
  return {
    direction: fewer ? "fewer" : "more",
    parts: [
      { text: ", " },
      { text: `${points(diff.value)} points ${fewer ? "fewer" : "more"}`, tone: fewer ? "worse" : "better" },
      { text: ` than ${name}` },
      { text: ` (±${half})`, tone: "soft" },
      { text: "." },
    ],
  };
}

/** The value of a dimension that lost most good page views against the time compared with. */
export interface Loss {
  value: string;
  /** Its part of the whole loss; above 1 when others gained. */
  part: number;
}

/** `wholeLoss`: good page views lost in all. `null` when nothing can be said. */
export function lostMost(rows: Compared, wholeLoss: number): Loss | null {
  if (wholeLoss <= 0) return null;
  const then = new Map(rows.earlier.map((row) => [row.value, row]));
  let most: Loss | null = null;
  for (const row of rows.now) {
    const earlier = then.get(row.value);
    const [a, b] = [row.ratings && shares(row.ratings), earlier?.ratings && shares(earlier.ratings)];
    if (!a || !b || row.samples < ENOUGH_OF_ONE || (earlier?.samples ?? 0) < ENOUGH_OF_ONE) continue;
    const part = (row.n * (b.good - a.good)) / wholeLoss;
    if (most === null || part > most.part) most = { value: row.value, part };
  }
  return most;
}

/** The route that lost most, and how many good page views it lost. */
export function lostRoute(facts: Pick<Facts, "rated" | "earlier" | "routes">): (Loss & { lost: number }) | null {
  const [a, b] = [facts.rated.ratings && shares(facts.rated.ratings), facts.earlier?.ratings && shares(facts.earlier.ratings)];
  if (!a || !b || facts.routes === null) return null;
  const whole = facts.rated.n * (b.good - a.good);
  const most = lostMost(facts.routes, whole);
  return most === null ? null : { ...most, lost: most.part * whole };
}

function lostSlice(facts: Facts): Part[] {
  const route = lostRoute(facts);
  if (route === null) return [];
  if (route.part < 0.25) return [{ text: " No single route explains it." }];
  const browser = facts.browsers === null ? null : lostMost(facts.browsers, route.lost);
  const named = browser !== null && browser.part >= 0.5 ? browser.value : null;
  const slice = named === null ? valueName(route.value) : `${valueName(route.value)} on ${valueName(named)}`;
  const filters = { route: [route.value], ...(named === null ? {} : { browser: [named] }) };
  const since = sinceRelease(facts, route.value);
  return [
    { text: route.part >= 0.5 ? " Most of it is " : " The largest part of it is " },
    { text: slice, tone: "strong", to: { page: "explore", metric: "LCP", filters } },
    ...(since === null ? [] : since),
    { text: "." },
  ];
}

/** How long before an alert a release is still worth naming, in seconds. */
const NEAR_S = 1800;

/** The newest release that was first seen shortly before `began`, in seconds since the epoch. */
export function releaseBefore(releases: readonly Release[], began: number): Release | null {
  const near = releases.filter((release) => {
    const gap = began - seconds(release.first_seen);
    return gap >= -60 && gap <= NEAR_S;
  });
  return near.at(-1) ?? null;
}

function sinceRelease(facts: Facts, route: string): Part[] | null {
  const alert = facts.open.find((open) => open.lead.slice.route === route);
  if (alert === undefined) return null;
  const release = releaseBefore(facts.releases, seconds(alert.began));
  if (release === null) return null;
  return [
    { text: ", since release " },
    { text: release.release, tone: "strong" },
    { text: ` at ${moment(seconds(release.first_seen), facts.now, facts.zone)}` },
  ];
}

function openAlerts(facts: Facts): Part[] {
  const [first, ...more] = [...facts.open].sort((a, b) => Number(b.state === "firing") - Number(a.state === "firing"));
  if (first === undefined) return [];
  const since = `since ${moment(seconds(first.began), facts.now, facts.zone)}`;
  const lead =
    more.length === 0
      ? ` An alert is ${first.state} ${since}: `
      : ` ${1 + more.length} alerts are open, one of them ${first.state} ${since}: `;
  return [{ text: lead }, { text: brief(first), tone: "strong", to: { page: "alert", alert: first.id } }, { text: "." }];
}

/** What an alert says is so and for whom. The API's sentence goes on with figures, which [`evidence`] has; that it is over, its state says. */
export const brief = ({ sentence }: Alert): string => sentence.replace(/^Over: /, "").replace(/: [^:]*$/, "");

/** The same where a line begins with it. The name of a metric stays as it is. */
export function title(alert: Alert): string {
  const words = brief(alert);
  return words.startsWith(alert.lead.metric) ? words : words.charAt(0).toUpperCase() + words.slice(1);
}

/** What an alert's most telling flag saw, in words. */
export function evidence(alert: Alert): string {
  const { rule, observed, expected, effect, n, p_value, unit } = alert.lead;
  const times = `${effect >= 1 ? `×${format.digits3(1 + effect)}` : `+${format.percent(effect, 0)}`}`;
  const tested = `n = ${format.count(n)} in the minutes tested, ${format.pValue(p_value)}`;
  switch (rule) {
    case "shift":
      return `typical value ${format.value(expected, unit)} → ${format.value(observed, unit)}, ${times}; ${tested}`;
    case "tail":
      return `${format.percent(observed, 0)} are beyond what nine of ten usually stay within, instead of ${format.percent(expected, 0)}; ${tested}`;
    default:
      return `${format.digits3(expected)} expected, ${format.digits3(observed)} seen, ${times}; ${tested}`;
  }
}
