import { expect, test, vi } from "vitest";

import { byteLength } from "../src/attribution.js";
import { pack, write } from "../src/parcel.js";
import type { View } from "../src/view.js";
import { Page } from "./page.js";

const KEEPALIVE_LIMIT = 60_000;

/** Distinct values under one name, so that each can be looked for. */
const measure = (page: Page, from: number, to: number) => {
  for (let value = from; value < to; value++) page.icarus.measure("m", value);
};
const sorted = (values: number[]) => [...values].sort((a, b) => a - b);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

test("a page that is hidden hands a text to sendBeacon, which needs no preflight", async () => {
  const page = await Page.open();
  await page.hide();
  expect(page.sent.map(({ via }) => via)).toEqual(["sendBeacon"]);
  expect(typeof page.sent[0]!.body).toBe("string");
});

test.each([
  ["refuses", (page: Page) => void (page.takesBeacon = false)],
  ["is missing", (page: Page) => Object.defineProperty(page.window.navigator, "sendBeacon", { value: undefined })],
  [
    "throws",
    (page: Page) =>
      Object.defineProperty(page.window.navigator, "sendBeacon", {
        value: () => {
          throw new Error("quota");
        },
      }),
  ],
])("where sendBeacon %s, a fetch that outlives the page takes its place", async (_, spoil) => {
  const page = await Page.open();
  spoil(page);
  await page.hide();
  expect(page.sent).toMatchObject([{ via: "fetch", init: { method: "POST", keepalive: true, credentials: "omit" } }]);
  expect(page.sent[0]!.init).not.toHaveProperty("headers");
});

test("leaving a page sends one beacon, after the last words of the vitals", async () => {
  const page = await Page.open();
  page.interact(1020, 64);
  await page.leave();
  expect(page.sent).toHaveLength(1);
  expect(page.values("INP")).toEqual([64]);
});

test("a browser without Event Timing may fire no visibilitychange when it leaves, so pagehide sends", async () => {
  const page = await Page.open({ entryTypes: ["paint", "navigation"] });
  await page.fire(page.window, "pagehide");
  expect(page.values("page_view")).toEqual([1]);
  await page.hide();
  expect(page.values("page_view")).toEqual([1]);
});

test("what the page measures in its own handlers while it is hidden is sent with the rest", async () => {
  const page = await Page.open();
  page.window.document.addEventListener("visibilitychange", () => page.icarus.measure("last_word", 1));
  await page.hide();
  expect(page.sent).toHaveLength(1);
  expect(page.values("last_word")).toEqual([1]);
});

test("with nothing to say nothing is sent", async () => {
  const page = await Page.open();
  await page.hide();
  await page.show();
  await page.hide();
  await page.leave();
  page.icarus.flush();
  await page.pass(300_000);
  expect(page.sent).toHaveLength(1);
});

test("while the page is seen, what waits is sent when the oldest has waited a minute", async () => {
  const page = await Page.open();
  page.icarus.flush();
  await page.pass(0);
  const before = page.sent.length;
  page.icarus.measure("m", 1);
  await page.pass(40_000);
  page.icarus.measure("m", 2);
  await page.pass(19_999);
  expect(page.sent).toHaveLength(before);
  await page.pass(1);
  expect(page.events("m")).toMatchObject([
    { value: 1, age_ms: 60_000 },
    { value: 2, age_ms: 20_000 },
  ]);
  page.icarus.measure("m", 3);
  await page.pass(60_000);
  expect(page.values("m")).toEqual([1, 2, 3]);
});

test("a hidden page sends what it still measures within ten seconds", async () => {
  const page = await Page.open();
  await page.hide();
  page.icarus.measure("m", 1);
  await page.pass(10_000);
  expect(page.values("m")).toEqual([1]);
});

test("a hundred waiting events are sent at once, but not in the handler that measures", async () => {
  const page = await Page.open();
  page.icarus.flush();
  await page.pass(0);
  const before = page.sent.length;
  measure(page, 0, 99);
  await page.pass(100);
  expect(page.sent).toHaveLength(before);
  measure(page, 99, 100);
  expect(page.sent).toHaveLength(before);
  await page.pass(0);
  expect(page.values("m")).toEqual(range(0, 100));
  // More in one go than a beacon may hold.
  measure(page, 100, 350);
  await page.pass(0);
  expect(page.values("m")).toEqual(range(0, 350));
  expect(page.beacons.every(({ events }) => events.length <= 200)).toBe(true);
});

test("bodies stay within 60,000 bytes whatever is in them, each with an id of its own, and nothing is lost", async () => {
  // Six bytes in JSON for each character.
  const text = (last: number) => "\u0001".repeat(199) + last;
  const page = await Page.open({ url: "https://shop.example/" + "ü".repeat(3000) });
  page.icarus.setRelease(text(0));
  page.icarus.setRoute(text(0));
  for (let i = 0; i < 8; i++) {
    page.icarus.setDimension("d" + i, text(0));
    page.icarus.setExperiment(text(i), text(0));
  }
  page.icarus.flush();
  await page.pass(0);
  const name = "m".repeat(64);
  for (let value = 0; value < 900; value++) page.icarus.measure(name, value + Math.PI, "milliseconds");
  for (let i = 0; i < 20; i++) page.icarus.error("漢".repeat(200));
  await page.pass(0);
  await page.hide();
  const bytes = page.sent.map(({ body }) => byteLength(body));
  expect(Math.max(...bytes)).toBeLessThanOrEqual(KEEPALIVE_LIMIT);
  // They are filled before another is begun.
  expect(Math.max(...bytes)).toBeGreaterThan(KEEPALIVE_LIMIT - 4000);
  expect(new Set(page.beacons.map(({ id }) => id)).size).toBe(page.sent.length);
  expect(page.beacons.every(({ id }) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  expect(page.values(name)).toEqual(range(0, 900).map((value) => value + Math.PI));
  expect(page.events("error")).toHaveLength(20);
});

test("a parcel has no room that ages could outgrow", () => {
  const view: View = { id: "v", url: "https://shop.example/", errors: 0 };
  const measured = { metric: "m".repeat(64), value: 1, attribution: { message: "x".repeat(900) } };
  const parcels = pack(
    Array.from({ length: 500 }, () => ({ measured, at: 0, view })),
    () => ({ page: {} }),
  );
  const ofAge = (age: number) => {
    vi.spyOn(performance, "now").mockReturnValue(age);
    return parcels.map((parcel) => byteLength(write(parcel)));
  };
  expect(Math.max(...ofAge(999_999_999_999))).toBeLessThanOrEqual(KEEPALIVE_LIMIT);
  expect(Math.max(...ofAge(0))).toBeGreaterThan(KEEPALIVE_LIMIT - 4000);
  expect(parcels.flatMap(({ waiting }) => waiting)).toHaveLength(500);
});

test("an event's age is as of sending, and sent_at is the wall clock then", async () => {
  const page = await Page.open({ setup: (window) => void (window.Date.now = () => 1_763_719_210_000) });
  page.icarus.measure("m", 1);
  await page.pass(1234);
  await page.hide();
  expect(page.events("m")[0]!.age_ms).toBe(1234);
  expect(page.beacons[0]!.sent_at).toBe(1_763_719_210_000);
});

test.each([0, 500, 503, 429])(
  "a body that met %s is sent again by the next flush, with its id and its ages of then",
  async (status) => {
    const page = await Page.open();
    page.status = status;
    page.icarus.measure("m", 1);
    page.icarus.flush();
    await page.pass(1000);
    page.status = 202;
    page.icarus.measure("m", 2);
    page.icarus.flush();
    await page.pass(0);
    const [first, again, other] = page.beacons;
    expect(page.sent).toHaveLength(3);
    expect(again!.id).toBe(first!.id);
    expect(again!.events.find(({ metric }) => metric === "m")!.age_ms).toBe(1000);
    expect(again!.events.map(({ metric }) => metric)).toEqual(first!.events.map(({ metric }) => metric));
    expect(other!.id).not.toBe(first!.id);
    await page.pass(300_000);
    expect(page.sent).toHaveLength(3);
  },
);

test("a body that is sent again says what it said, whatever the page has set since", async () => {
  const page = await Page.open();
  page.status = 503;
  page.icarus.setDimension("plan", "pro");
  page.icarus.flush();
  await page.pass(10);
  page.icarus.setDimension("plan", "free");
  page.icarus.measure("m", 1);
  await page.hide();
  expect(page.beacons.map(({ dimensions }) => dimensions)).toEqual([{ plan: "pro" }, { plan: "pro" }, { plan: "free" }]);
});

test("a body that failed is sent again within a minute even if nothing else happens", async () => {
  const page = await Page.open();
  page.status = 503;
  page.icarus.flush();
  await page.pass(59_000);
  page.status = 202;
  await page.pass(1000);
  expect(page.sent).toHaveLength(2);
  expect(page.beacons[1]!.id).toBe(page.beacons[0]!.id);
});

test("a body that failed goes by sendBeacon when the page is hidden", async () => {
  const page = await Page.open();
  page.status = 0;
  page.icarus.flush();
  await page.pass(10);
  await page.hide();
  const [first, again] = page.sent;
  expect(again).toMatchObject({ via: "sendBeacon", beacon: { id: first!.beacon.id } });
});

test.each([400, 401, 413])("a body that was refused with %s is not sent again, and the console says so", async (status) => {
  const page = await Page.open();
  page.status = status;
  page.icarus.flush();
  await page.pass(300_000);
  await page.hide();
  expect(page.sent).toHaveLength(1);
  expect(page.warnings.join()).toContain(String(status));
});

test("through an outage at most four bodies are kept, the newest", async () => {
  const page = await Page.open();
  page.status = 0;
  for (let i = 0; i < 7; i++) {
    page.icarus.measure("m", i);
    page.icarus.flush();
    await page.pass(10);
  }
  const tried = page.sent.length;
  page.status = 202;
  page.icarus.flush();
  await page.pass(10);
  const kept = page.sent
    .slice(tried)
    .flatMap(({ beacon }) => beacon.events)
    .filter(({ metric }) => metric === "m");
  expect(sorted(kept.map(({ value }) => value))).toEqual([3, 4, 5, 6]);
  expect(page.warnings).toHaveLength(1);
});

test("a page that measures in a tight loop keeps a thousand events and says that it dropped others", async () => {
  const page = await Page.open();
  page.icarus.flush();
  await page.pass(0);
  measure(page, 0, 1500);
  await page.pass(1);
  expect(page.values("m")).toEqual(range(0, 1000));
  expect(page.warnings).toHaveLength(1);
  measure(page, 2000, 2100);
  await page.hide();
  expect(page.values("m")).toHaveLength(1100);
});

test("the connection's effective type is sent where the browser tells it", async () => {
  const page = await Page.open({
    setup: (window) => Object.defineProperty(window.navigator, "connection", { value: { effectiveType: "3g" } }),
  });
  await page.hide();
  expect(page.beacons[0]!.connection).toBe("3g");
  const silent = await Page.open();
  await silent.hide();
  expect(silent.beacons[0]).not.toHaveProperty("connection");
});
