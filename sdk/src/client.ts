/** The client: what is measured, and when it leaves. */

import type { Icarus, Options } from "./api.js";
import { attribution } from "./attribution.js";
import { isDimension, isMetric, isText, isUnit, isValue } from "./check.js";
import { type Context, headOf, setPair } from "./context.js";
import { guarded, warn } from "./guard.js";
import { cls } from "./metrics/cls.js";
import { errors } from "./metrics/error.js";
import { fcp } from "./metrics/fcp.js";
import { inp } from "./metrics/inp.js";
import { lcp } from "./metrics/lcp.js";
import { navigation } from "./metrics/navigation.js";
import { ttfb } from "./metrics/ttfb.js";
import { observes, type Report } from "./metrics/vital.js";
import { isHidden, outbox, type Outbox } from "./outbox.js";
import type { Measured, Waiting } from "./parcel.js";
import { isSampled, randomId, sessionId, weightOf } from "./session.js";
import { follow, type View, type Views } from "./view.js";

/** What runs once it started. */
interface Client {
  context: Context;
  views: Views;
  box: Outbox;
  /** Takes what happens now. */
  add(measured: Measured): void;
  countError(thrown: unknown): void;
}

let running: Icarus | undefined;

/**
 * Starts measuring the page, once: a second call returns what the first did. Never throws. What it returns
 * can be called in any case; its calls do nothing where the session is not in the sample, where there is no
 * page (on a server), or where an option is missing, which is warned of.
 */
export function init(options: Options): Icarus {
  if (running) {
    warn("started before: the first start counts");
    return running;
  }
  let client: Client | undefined;
  guarded(() => {
    if (typeof document !== "undefined") client = start(options);
  })();
  const calls: Icarus = {
    measure(metric, value, unit) {
      if (isMetric(metric) && isValue(value) && isUnit(unit)) client?.add({ metric, value, unit });
    },
    setRoute(route) {
      if (isText("a route", route)) client?.views.setRoute(route);
    },
    setRelease(release) {
      if (isText("a release", release) && client) client.context.release = release;
    },
    setExperiment(name, arm) {
      if (isText("an experiment", name) && client) setPair(client.context, "experiments", name, arm);
    },
    setDimension(name, value) {
      if (isDimension(name) && client) setPair(client.context, "dimensions", name, value);
    },
    error(thrown) {
      client?.countError(thrown);
    },
    flush() {
      client?.box.flush(isHidden());
    },
  };
  for (const name in calls) calls[name as keyof Icarus] = guarded(calls[name as keyof Icarus] as () => void);
  if (client) {
    running = calls;
    if (options.route) calls.setRoute(options.route);
    if (options.release) calls.setRelease(options.release);
  }
  return calls;
}

/** Nothing, when there is nothing to measure. */
function start({ app, key, endpoint, sample = 1, respectGpc }: Options): Client | undefined {
  const missing = Object.entries({ app, key, endpoint }).flatMap(([name, value]) => (value ? [] : name));
  if (missing.length) {
    warn(`nothing is measured: add ${missing} (on the script tag data-${missing.join(", data-")})`);
    return undefined;
  }
  // A visitor who asks for privacy gets no id that outlives the page.
  const isPrivate = respectGpc !== false && (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true;
  const session = isPrivate ? randomId() : sessionId();
  const weight = weightOf(sample);
  if (!isSampled(session, weight)) return undefined;

  const context: Context = {
    app,
    key,
    weight: weight > 1 ? weight : undefined,
    session: isPrivate ? undefined : { id: session },
  };
  const box = outbox(new URL(endpoint, location.href).href, (view) => headOf(context, view));
  const count = (metric: string, at: number, view: View, cause: object = {}) =>
    box.add({ measured: { metric, value: 1, unit: "count", attribution: attribution(cause, 1, isPrivate) }, at, view });

  // Before the vitals: they belong to page views.
  const views = follow((view, at) => count("page_view", at, view));

  // To a ten-thousandth, as fine as the server keeps a score; the clock is coarser.
  const rounded = (value: number) => Math.round(value * 1e4) / 1e4;
  const vital = (part: "landing" | "now", take: (one: Waiting, id: string) => void): Report =>
    guarded(({ name, value, id, navigationType }, at, cause) => {
      const view = views[part];
      view.navigationType ??= navigationType;
      const causes = attribution(cause, name === "CLS" ? 1e4 : 10, isPrivate);
      take({ measured: { metric: name, value: rounded(value), id, attribution: causes }, at, view }, id);
    });
  const metrics = [
    () => ttfb(vital("landing", box.add)),
    () => fcp(vital("landing", box.add)),
    () => lcp(vital("landing", box.settle)),
    () => cls(vital("now", box.settle)),
    () => inp(vital("now", box.settle)),
    () =>
      navigation((phase, ms, at) =>
        box.add({ measured: { metric: "navigation." + phase, value: rounded(ms) }, at, view: views.landing }),
      ),
  ];
  // One by one: a browser that can't measure one may know the others.
  for (const measure of metrics) guarded(measure)();
  const countError = errors(
    () => views.landing,
    (cause) => count("error", performance.now(), views.now, cause),
  );

  // On the window, where both end: after web-vitals' last words, and after what the page's own handlers measure.
  addEventListener(
    "visibilitychange",
    guarded(() => isHidden() && box.flush(true)),
  );
  // When a page is left while it is seen, visibilitychange follows, and only there do CLS and INP read their last
  // entries. Browsers too old for that (Safari before 14.1) have no vital that waits for it.
  addEventListener(
    "pagehide",
    guarded(() => (isHidden() || !observes("event")) && box.flush(true)),
  );

  return { context, views, box, countError, add: (measured) => box.add({ measured, at: performance.now(), view: views.now }) };
}
