// @ts-check
/** The mock API over HTTP: reads questions, refuses wrong ones as the real one does, writes answers. */

import { alerts, anomalies, outcomes } from "./alerts.mjs";
import { breakdown, heatmap, histogram, rfc3339, timeseries, valuesOf } from "./answers.mjs";
import { APPS, historyOf, METRICS, TOGETHER } from "./world.mjs";

class Refusal extends Error {
  /** @param {number} status @param {string} reason @param {string} detail @param {string} [hint] */
  constructor(status, reason, detail, hint) {
    super(detail);
    this.body = { error: { reason, detail, ...(hint === undefined ? {} : { hint }) } };
    this.status = status;
  }
}

const clock = () => Date.now() / 1000;
const history = historyOf(clock());

/** What the tests turn on and off: whether nothing is answered, or one kind of question is not. */
export const faults = { down: false, only: "" };

/** @param {string | null} text @param {number} fallback */
function time(text, fallback) {
  if (text === null) return fallback;
  const back = /^now(?:-(\d+)([smhd]))?$/.exec(text);
  if (back !== null) return clock() - Number(back[1] ?? 0) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[back[2] ?? "s"] ?? 1);
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  if (!Number.isFinite(seconds))
    throw new Refusal(400, "invalid_parameter", `\`${text}\` is no time`, "use RFC 3339, epoch seconds, or now-1h");
  return seconds;
}

/** @param {URLSearchParams} params */
function filtersOf(params) {
  /** @type {Record<string, string[]>} */
  const filters = {};
  for (const text of params.getAll("filter")) {
    const colon = text.indexOf(":");
    if (colon < 1) throw new Refusal(400, "invalid_parameter", `filter \`${text}\` has no dimension`, "write it as filter=browser:Chrome");
    const dimension = text.slice(0, colon);
    filters[dimension] = [...(filters[dimension] ?? []), text.slice(colon + 1)];
  }
  return filters;
}

/** Whether the answer comes from samples: no set has all dimensions. @param {string[]} dimensions @param {boolean} kept whether there are any */
function fromSamples(dimensions, kept) {
  const known = new Set(TOGETHER.flat());
  const unknown = dimensions.find((dimension) => !known.has(dimension));
  if (unknown !== undefined)
    throw new Refusal(400, "unknown_dimension", `there is no dimension \`${unknown}\``, `known are ${[...known].join(", ")}`);
  const fits = (/** @type {string[]} */ set) =>
    dimensions.every((each) => set.includes(each)) && (!set.includes("experiment") || dimensions.includes("experiment"));
  const counted = TOGETHER.some(fits);
  if (!counted && !kept) {
    const sets = TOGETHER.filter((set) => set.some((each) => dimensions.includes(each))).map((set) => set.join(" + "));
    throw new Refusal(
      400,
      "not_together",
      `no rollups are kept for ${dimensions.join(", ")} together, and no samples are kept of this range either: it begins too early`,
      `together can be asked: ${sets.join("; ")}; or use a later from: samples are kept for 8days`,
    );
  }
  return !counted;
}

/** @param {string} path @param {URLSearchParams} params */
export function answer(path, params) {
  if (faults.down || faults.only === path)
    throw new Refusal(503, "unavailable", "the store doesn't answer", "it may be starting: try again in some seconds");
  const now = clock();
  if (path === "apps") {
    return {
      apps: Object.entries(APPS).map(([id, { peak }]) => ({
        id,
        key: `pk_${id}`,
        ...(peak > 0 ? { last_received: rfc3339(Math.floor(now) - (id === "trial" ? 4000 : id === "docs" ? 7 : 2)) } : {}),
        dimensions: [...new Set(TOGETHER.flat())],
        together: TOGETHER,
        minute_retention_s: 8 * 86_400,
        hour_retention_s: 400 * 86_400,
      })),
    };
  }
  const app = params.get("app") ?? "";
  if (APPS[app] === undefined)
    throw new Refusal(404, "unknown_app", `there is no app \`${app}\``, `apps are ${Object.keys(APPS).join(", ")}`);
  if (app === "broken") throw new Refusal(503, "unavailable", "the store doesn't answer", "it may be starting: try again in some seconds");
  const [to, from] = [Math.ceil(time(params.get("to"), now) / 60) * 60, Math.floor(time(params.get("from"), now - 86_400) / 60) * 60];
  const limit = Number(params.get("limit") ?? 20);
  switch (path) {
    case "metrics":
      return {
        app,
        metrics:
          (APPS[app]?.peak ?? 0) === 0
            ? []
            : Object.entries(METRICS).map(([name, { title, unit, good, poor }]) => ({
                name,
                title,
                unit,
                ...(good === undefined ? {} : { good }),
                ...(poor === undefined ? {} : { poor }),
                last_seen: rfc3339(Math.ceil(now / 3600) * 3600),
              })),
      };
    case "dimensions":
      return {
        app,
        dimensions: [...new Set(TOGETHER.flat())]
          .filter((name) => name === (params.get("dimension") ?? name))
          .map((name) => {
            const values = valuesOf(name, history).sort();
            return { name, values: values.slice(0, Number(params.get("limit") ?? 100)), values_total: values.length };
          }),
      };
    case "anomalies":
      return anomalies(app, history, from, to, params.get("metric"), now);
    case "alerts":
      return alerts(app, history, params.get("state"), now);
    case "outcomes":
      return outcomes(app, from, to);
  }
  const metric = params.get("metric") ?? "";
  if (METRICS[metric] === undefined)
    throw new Refusal(
      404,
      "unknown_metric",
      `${app} has no metric \`${metric}\``,
      `near it are ${Object.keys(METRICS).slice(0, 3).join(", ")}`,
    );
  const filters = filtersOf(params);
  const groupBy = params.get("group_by");
  const by = params.get("by");
  const dimensions = [...new Set([...Object.keys(filters), ...[groupBy, by].filter((each) => each !== null)])];
  const sampled = fromSamples(dimensions, from >= now - 8 * 86_400);
  const step = Number((params.get("step") ?? "600s").replace(/s$/, ""));
  const asked = {
    slice: { app, metric, filters, history },
    sampled,
    from:
      Math.floor(from / (path === "timeseries" || path === "heatmap" ? step : 60)) *
      (path === "timeseries" || path === "heatmap" ? step : 60),
    to,
    step,
    now,
    limit,
    quantiles: (params.get("quantiles") ?? "0.75").split(",").map(Number),
    binsPerOctave: Number(params.get("bins_per_octave") ?? 8),
  };
  switch (path) {
    case "timeseries":
      return timeseries(asked, groupBy);
    case "histogram":
      return histogram(asked);
    case "breakdown":
      return breakdown(asked, by ?? "route", params.get("order") ?? "n");
    case "heatmap":
      return heatmap(asked);
  }
  throw new Refusal(404, "not_found", `there is no /api/v1/${path}`);
}

/**
 * Answers what stands below `/api/v1/`; everything else goes to `next`.
 * @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response @param {() => void} next
 */
export function handler(request, response, next) {
  const url = new URL(request.url ?? "/", "http://mock");
  if (!url.pathname.startsWith("/api/v1/")) {
    next();
    return;
  }
  const [status, body] = reply(url);
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify(body));
}

/** @param {URL} url @returns {[number, unknown]} */
function reply(url) {
  try {
    return [200, answer(url.pathname.slice("/api/v1/".length), url.searchParams)];
  } catch (refusal) {
    if (refusal instanceof Refusal) return [refusal.status, refusal.body];
    throw refusal;
  }
}
