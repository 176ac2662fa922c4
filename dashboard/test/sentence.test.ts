import { describe, expect, test } from "vitest";
import type { Alert } from "../src/answer";
import {
  brief,
  evidence,
  type Facts,
  headline,
  lostMost,
  type Part,
  type Rated,
  type RatedRow,
  releaseBefore,
  title,
} from "../src/sentence";

const NOW = Date.UTC(2026, 10, 21, 10) / 1000;
const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
const say = (parts: Part[]) =>
  parts
    .map(({ text }) => text)
    .join("")
    .replaceAll("\u00a0", " ");

/** `n` values of which the part `good` is good. */
const rated = (n: number, good: number): Rated => ({
  n,
  samples: n,
  ratings: { good: Math.round(n * good), needs_improvement: n - Math.round(n * good), poor: 0 },
});
/** The same, estimated from a hundredth of them. */
const estimated = (n: number, good: number): Rated => ({ ...rated(n, good), samples: n / 100, source: "samples" });
const row = (value: string, n: number, good: number): RatedRow => ({ value, ...rated(n, good) });

const facts = (more: Partial<Facts>): Facts => ({
  span: { from: NOW - 86_400, to: NOW },
  now: NOW,
  budget: "2.5 s",
  rated: rated(1_000_000, 0.714),
  earlier: null,
  routes: null,
  browsers: null,
  releases: [],
  open: [],
  zone: "UTC",
  ...more,
});

const alert = (more: Partial<Alert>): Alert => ({
  id: 7,
  app: "shop",
  state: "firing",
  sentence: "LCP is 78 % slower for route /checkout: typically 4.12 s instead of 2.31 s (n = 41)",
  began: iso(NOW - 7200),
  last_flagged: iso(NOW),
  minutes_flagged: 9,
  series_max: 2,
  changes: [],
  lead: {
    metric: "LCP",
    unit: "ms",
    slice: { route: "/checkout" },
    rule: "shift",
    from: "",
    to: "",
    minutes: 1,
    observed: 4120,
    expected: 2310,
    effect: 0.78,
    n: 41,
    p_value: 3e-10,
  },
  ...more,
});

describe("the overview's sentence", () => {
  test("says the share, how sure, and that there is nothing to compare it with", () => {
    expect(say(headline(facts({ earlier: rated(0, 0) })))).toBe(
      "71.4 % of page views showed their main content within 2.5 s (±0.1, n = 1,000,000); there is nothing a week earlier to compare it with. Nothing unusual.",
    );
  });

  test("says that there are too few page views, and how many it takes", () => {
    expect(say(headline(facts({ rated: rated(37, 0.7) })))).toBe(
      "Not enough page views to say: only 37 reported LCP in these 24 hours, and it takes 100.",
    );
    expect(say(headline(facts({ rated: { n: 0, samples: 0 } })))).toContain("none reported LCP");
    const hour = { from: NOW - 3600, to: NOW };
    expect(say(headline(facts({ rated: rated(1, 1), span: hour })))).toContain("only 1 reported LCP in this hour, and");
  });

  test("counts samples, not weighted values, before it says a share", () => {
    expect(say(headline(facts({ rated: { ...rated(10_000, 0.7), samples: 90 } })))).toContain("Not enough");
  });

  test("an estimate says so, and is only as sure as its samples", () => {
    expect(say(headline(facts({ rated: estimated(1_000_000, 0.714) })))).toContain("(±0.9, n ≈ 1,000,000, estimated from 10,000 samples)");
    expect(say(headline(facts({ rated: estimated(5_000, 0.714) })))).toContain("Not enough page views to say");
  });

  test("calls a change none when it is within chance, or too small to matter", () => {
    const within = headline(facts({ rated: rated(1000, 0.7), earlier: rated(1000, 0.72) }));
    expect(say(within)).toContain(", as many as the same 24 hours a week earlier (±4.0 points). Nothing unusual.");
    const small = headline(facts({ earlier: rated(1_000_000, 0.717) }));
    expect(say(small)).toContain("as many as");
  });

  test("says how many points fewer, and which route and browser lost most", () => {
    const parts = headline(
      facts({
        earlier: rated(1_000_000, 0.745),
        routes: {
          now: [row("/checkout", 100_000, 0.45), row("/", 900_000, 0.743)],
          earlier: [row("/checkout", 100_000, 0.74), row("/", 900_000, 0.7455)],
        },
        browsers: {
          now: [row("Safari", 30_000, 0.05), row("Chrome", 70_000, 0.62)],
          earlier: [row("Safari", 30_000, 0.9), row("Chrome", 70_000, 0.67)],
        },
      }),
    );
    expect(say(parts)).toContain(", 3.1 points fewer than the same 24 hours a week earlier (±0.1). Most of it is /checkout on Safari.");
    expect(parts.find(({ tone }) => tone === "worse")?.text).toBe("3.1 points fewer");
    expect(parts.find(({ text }) => text === "/checkout on Safari")?.to).toEqual({
      page: "explore",
      metric: "LCP",
      filters: { route: ["/checkout"], browser: ["Safari"] },
    });
    expect(say(parts)).not.toContain("Nothing unusual");
  });

  test("names no route when none has a quarter of the loss", () => {
    const some = (good: number) => ["a", "b", "c", "d", "e"].map((name) => row(name, 200_000, good));
    expect(say(headline(facts({ earlier: rated(1_000_000, 0.745), routes: { now: some(0.714), earlier: some(0.745) } })))).toContain(
      "No single route explains it.",
    );
  });

  test("says an improvement without looking for a culprit", () => {
    const said = say(
      headline(facts({ earlier: rated(1_000_000, 0.7), routes: { now: [row("/", 1000, 0.1)], earlier: [row("/", 1000, 0.9)] } })),
    );
    expect(said).toContain("1.4 points more than");
    expect(said).not.toContain("/");
    expect(said).toContain("Nothing unusual.");
  });

  test("links the open alert, the firing one first, and is then not calm", () => {
    const parts = headline(facts({ earlier: rated(1_000_000, 0.714), open: [alert({ id: 8, state: "pending" }), alert({})] }));
    expect(say(parts)).toContain("2 alerts are open, one of them firing since 08:00: LCP is 78 % slower for route /checkout.");
    expect(parts.find(({ to }) => to !== undefined)?.to).toEqual({ page: "alert", alert: 7 });
    const reversed = headline(facts({ earlier: rated(1_000_000, 0.714), open: [alert({}), alert({ id: 8, state: "pending" })] }));
    expect(reversed.find(({ to }) => to !== undefined)?.to).toEqual({ page: "alert", alert: 7 });
    expect(say(parts)).not.toContain("Nothing unusual");
  });

  test("names the release that came shortly before the alert of the route that lost most", () => {
    const routes = { now: [row("/checkout", 1_000_000, 0.714)], earlier: [row("/checkout", 1_000_000, 0.745)] };
    const releases = [
      { release: "4.11.3", first_seen: iso(NOW - 50_000) },
      { release: "4.12.0", first_seen: iso(NOW - 7320) },
    ];
    const said = say(headline(facts({ earlier: rated(1_000_000, 0.745), routes, releases, open: [alert({})] })));
    expect(said).toContain("Most of it is /checkout, since release 4.12.0 at 07:58.");
  });
});

describe("what lost most", () => {
  test("is not a value that was too rare to know", () => {
    const [common, then] = [row("common", 1000, 0.69), row("common", 1000, 0.7)];
    expect(lostMost({ now: [row("rare", 20, 0), common], earlier: [row("rare", 5000, 1), then] }, 30)?.value).toBe("common");
    expect(lostMost({ now: [row("rare", 5000, 0), common], earlier: [row("rare", 20, 1), then] }, 30)?.value).toBe("common");
  });

  test("is nothing when nothing was lost", () =>
    expect(lostMost({ now: [row("a", 100, 0.5)], earlier: [row("a", 100, 0.9)] }, 0)).toBeNull());

  test("is not a value without a before", () => expect(lostMost({ now: [row("new", 1000, 0.1)], earlier: [] }, 100)).toBeNull());
});

test("a release is near an alert that began up to half an hour after it", () => {
  const releases = [
    { release: "a", first_seen: iso(NOW - 1900) },
    { release: "b", first_seen: iso(NOW - 1700) },
  ];
  expect(releaseBefore(releases, NOW)?.release).toBe("b");
  expect(releaseBefore(releases, NOW + 300)).toBeNull();
  expect(releaseBefore([{ release: "late", first_seen: iso(NOW + 120) }], NOW)).toBeNull();
});

test("an alert is named by what is so and for whom, its figures and its state stand elsewhere", () => {
  const tail = "LCP is slow more often for route /product/:id, browser Safari: 71 % are beyond the usual 90th percentile";
  expect(brief(alert({ sentence: tail }))).toBe("LCP is slow more often for route /product/:id, browser Safari");
  expect(title(alert({ sentence: tail }))).toBe("LCP is slow more often for route /product/:id, browser Safari");
  expect(title(alert({ sentence: "Over: LCP is 30 % slower for everyone: typically 2 s" }))).toBe("LCP is 30 % slower for everyone");
  const ttft = { ...alert({}).lead, metric: "ttft" };
  expect(title(alert({ sentence: "ttft is 30 % slower for everyone: typically 2 s", lead: ttft }))).toBe(
    "ttft is 30 % slower for everyone",
  );
});

test("an alert's evidence is in its rule's own terms", () => {
  const lead = alert({}).lead;
  const words = (more: Partial<Alert["lead"]>) => evidence(alert({ lead: { ...lead, ...more } })).replaceAll("\u00a0", " ");
  expect(words({})).toBe("typical value 2.31 s → 4.12 s, +78 %; n = 41 in the minutes tested, p < 10⁻⁹");
  expect(words({ rule: "tail", expected: 0.1, observed: 0.31, effect: 2.1 })).toContain(
    "31 % are beyond what nine of ten usually stay within, instead of 10 %; n = 41",
  );
  expect(words({ rule: "count", unit: "count", expected: 1.9, observed: 7.6, effect: 3 })).toContain("1.9 expected, 7.6 seen, ×4");
});
