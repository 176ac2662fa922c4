// @ts-check
/** Flags, alerts and outcomes of the imagined shop: one incident under way, one pending, one over. */

import { rfc3339 } from "./answers.mjs";
import { APPS, METRICS } from "./world.mjs";

/** @typedef {import("./counts.mjs").History} History */
/** @typedef {import("../src/answer").Anomaly} Anomaly */

/**
 * @param {string} metric @param {Record<string, string>} slice @param {string} rule @param {number} from @param {number} to
 * @param {number} expected @param {number} observed @param {number} n @param {number} p
 * @returns {Anomaly}
 */
function anomaly(metric, slice, rule, from, to, expected, observed, n, p) {
  const unit = METRICS[metric]?.unit ?? "ms";
  const minutes = Math.max(1, Math.round((to - from) / 60));
  return {
    metric,
    unit,
    slice,
    rule,
    from: rfc3339(from),
    to: rfc3339(to),
    minutes,
    observed,
    expected,
    effect: observed / expected - 1,
    n,
    p_value: p,
  };
}

/** What `schemas/src/sentence.rs` says of it. @param {Anomaly} flag */
function sentence({ metric, slice, rule, observed, expected, effect, n, minutes }) {
  const short = (/** @type {number} */ value) => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
  const ms = (/** @type {number} */ value) => (value >= 1000 ? `${short(value / 1000)} s` : `${short(value)} ms`);
  const more = effect >= 2 ? `${short(effect + 1)}×` : `${short(effect * 100)} %`;
  const whom = Object.entries(slice).map((pair) => pair.join(" "));
  if (rule === "count") return `${more} more errors for ${whom}: ${short(observed)} in ${minutes} min instead of ${short(expected)}`;
  return `${metric} is ${more} slower for ${whom.join(", ")}: typically ${ms(observed)} instead of ${ms(expected)} (n = ${n})`;
}

/** @param {History} history @param {number} now @returns {Anomaly[]} */
function flags({ incident, errors, search }, now) {
  const last = Math.floor(now / 60) * 60 - 60;
  const slice = { route: incident.route, browser: incident.browser };
  return [
    anomaly("LCP", slice, "shift", incident.from + 60, last, 1940, 4310, 41, 3e-31),
    anomaly("LCP", slice, "tail", incident.from, last, 0.1, 0.71, 41, 2e-18),
    anomaly("INP", slice, "shift", incident.from + 180, last, 96, 231, 28, 6e-12),
    anomaly("LCP", { route: incident.route }, "tail", incident.from + 240, incident.from + 3 * 3600, 0.1, 0.22, 160, 8e-7),
    anomaly("error", { country: errors.country }, "count", errors.from, last, 1.9, 7.6, 23, 4e-9),
    anomaly("INP", { route: search.route }, "shift", search.from, search.to, 88, 149, 203, 1e-14),
  ];
}

/** @param {string} app @param {History} history @param {number} from @param {number} to @param {string | null} metric @param {number} now @returns {import("../src/answer").Anomalies} */
export function anomalies(app, history, from, to, metric, now) {
  const within = (APPS[app]?.incident ? flags(history, now) : [])
    .filter((flag) => Date.parse(flag.to) / 1000 > from && Date.parse(flag.from) / 1000 < to && (metric === null || flag.metric === metric))
    .sort((a, b) => a.p_value - b.p_value);
  return {
    app,
    from: rfc3339(from),
    to: rfc3339(to),
    anomalies: within,
    anomalies_total: within.length,
    tested_to: rfc3339(Math.floor(now / 60) * 60),
  };
}

/** @param {string} app @param {History} history @param {string | null} state @param {number} now @returns {import("../src/answer").Alerts} */
export function alerts(app, history, state, now) {
  const [shift, , , , failing, slowSearch] = flags(history, now);
  if (!APPS[app]?.incident || shift === undefined || failing === undefined || slowSearch === undefined)
    return { alerts: [], alerts_total: 0 };
  const { incident, errors, search } = history;
  /** @type {import("../src/answer").Alert[]} */
  const all = [
    {
      id: 3,
      app,
      state: "pending",
      sentence: sentence(failing),
      began: failing.from,
      last_flagged: failing.to,
      minutes_flagged: failing.minutes,
      series_max: 2,
      lead: failing,
      changes: [{ state: "pending", at: rfc3339(errors.from + 70), delivery: "not_needed" }],
    },
    {
      id: 2,
      app,
      state: "firing",
      sentence: sentence(shift),
      began: rfc3339(incident.from),
      last_flagged: shift.to,
      minutes_flagged: shift.minutes,
      series_max: 5,
      lead: shift,
      changes: [
        { state: "pending", at: rfc3339(incident.from + 70), delivery: "not_needed" },
        { state: "firing", at: rfc3339(incident.from + 130), delivery: "done" },
      ],
    },
    {
      id: 1,
      app,
      state: "resolved",
      sentence: `Over: ${sentence(slowSearch)}`,
      began: slowSearch.from,
      last_flagged: slowSearch.to,
      resolved: rfc3339(search.to + 600),
      minutes_flagged: slowSearch.minutes,
      series_max: 3,
      lead: slowSearch,
      changes: [
        { state: "pending", at: rfc3339(search.from + 65), delivery: "not_needed" },
        { state: "firing", at: rfc3339(search.from + 125), delivery: "done" },
        { state: "resolved", at: rfc3339(search.to + 600), delivery: "failed" },
      ],
    },
  ];
  const chosen = all.filter((alert) => state === null || alert.state === state);
  return { alerts: chosen, alerts_total: chosen.length };
}

/** @param {string} app @param {number} from @param {number} to @returns {import("../src/answer").Outcomes} */
export function outcomes(app, from, to) {
  const share = (APPS[app]?.peak ?? 0) / 1250;
  const of = (/** @type {number} */ n) => Math.round(n * share);
  const reasons = [
    { reason: "bot", meaning: "The user agent is a known robot's. Nothing to do.", count: of(48_211) },
    {
      reason: "superseded",
      meaning:
        "A web-vitals report that corrects an earlier one of the same page view; the first is kept. Report each metric once, when the page is hidden.",
      count: of(3_904),
    },
    { reason: "invalid_value", meaning: "The value is missing, not a number, negative, or beyond the unit's limit.", count: of(217) },
    {
      reason: "unit_mismatch",
      meaning: "The metric is declared, or known, in another kind of unit. Send `ms` for durations, `score` for CLS.",
      count: of(38),
    },
  ].filter(({ count }) => count > 0);
  const refused = [
    { reason: "unknown_key", meaning: "The write key is not the app's. Copy it from the app's configuration.", count: of(1_204) },
    { reason: "too_large", meaning: "The body is larger than 64 KiB. Send fewer events in one beacon.", count: of(3) },
  ].filter(({ count }) => count > 0);
  const rejected = reasons.reduce((sum, { count }) => sum + count, 0);
  const [rolledUp, late, duplicate] = [of(9_812_408), of(2_817), of(11_290)];
  const accepted = rolledUp + late + duplicate;
  return {
    app,
    from: rfc3339(from),
    to: rfc3339(to),
    received: accepted + rejected,
    accepted,
    rejected,
    rolled_up: rolledUp,
    too_late: late,
    duplicate,
    reasons,
    refused,
  };
}
