import { expect, test } from "vitest";

import type { Unit } from "../src/api.js";
import { Page } from "./page.js";
import { METRIC, UNITS } from "./schema.js";

const LONG = "x".repeat(200);

test("measure sends a value of one's own with its unit, as of the call", async () => {
  const page = await Page.open();
  page.icarus.measure("ttft", 412.5, "ms");
  await page.pass(2000);
  page.icarus.measure("cart/add:time-1", 0);
  await page.pass(500.6);
  await page.hide();
  expect(page.events("ttft")).toEqual([{ metric: "ttft", value: 412.5, unit: "ms", age_ms: 2501 }]);
  expect(page.events("cart/add:time-1")).toEqual([{ metric: "cart/add:time-1", value: 0, age_ms: 501 }]);
});

test("every unit of the schema is taken, and no other", async () => {
  const page = await Page.open();
  for (const unit of UNITS) page.icarus.measure("of_schema", 1, unit as Unit);
  for (const unit of ["", "MS", "m", "minutes", "msx", null, 1, {}]) page.icarus.measure("other", 1, unit as Unit);
  await page.hide();
  expect(page.events("of_schema").map(({ unit }) => unit)).toEqual(UNITS);
  expect(page.events("other")).toEqual([]);
});

test("a metric's name is checked as the schema says", async () => {
  const page = await Page.open();
  const names = [
    "LCP",
    "ttft",
    "navigation.dns",
    "a",
    "Z9_.:/-",
    "x".repeat(64),
    "x".repeat(65),
    "",
    "1st",
    "två",
    "a b",
    "_x",
    "a\n",
    "ſ",
  ];
  for (const name of names) page.icarus.measure(name, 7);
  for (const name of [undefined, null, 7, {}, Symbol("x")]) page.icarus.measure(name as string, 7);
  await page.hide();
  expect(
    page
      .events()
      .filter(({ value }) => value === 7)
      .map(({ metric }) => metric),
  ).toEqual(names.filter((name) => METRIC.test(name)));
});

test("a value that is not finite, negative or no number is not sent", async () => {
  const page = await Page.open();
  for (const value of [NaN, Infinity, -Infinity, -0.1, "412", undefined, null, 10n, {}])
    page.icarus.measure("bad", value as number);
  await page.hide();
  expect(page.events("bad")).toEqual([]);
  expect(page.uncaught).toEqual([]);
});

test("a mistake is warned of once for each kind, with what was given", async () => {
  const page = await Page.open();
  for (let i = 0; i < 5; i++) {
    page.icarus.measure("a b", 1);
    page.icarus.measure("c d", 1);
    page.icarus.measure("good", -1);
  }
  expect(page.warnings).toHaveLength(2);
  expect(page.warnings[0]).toContain("a b");
  expect(page.warnings[1]).toContain("-1");
});

test("release, experiments and dimensions go with all that was not sent yet", async () => {
  const page = await Page.open();
  page.icarus.measure("early", 1);
  page.icarus.setRelease("4.12.0");
  page.icarus.setExperiment("checkout", "A");
  page.icarus.setExperiment("checkout", "B");
  page.icarus.setDimension("plan", "pro");
  await page.hide();
  await page.show();
  page.icarus.setDimension("plan", "free");
  page.icarus.measure("late", 1);
  await page.hide();
  const [first, second] = page.beacons;
  expect(first).toMatchObject({ release: "4.12.0", experiments: { checkout: "B" }, dimensions: { plan: "pro" } });
  expect(second).toMatchObject({ release: "4.12.0", dimensions: { plan: "free" } });
});

test("texts that the schema would not take are not taken", async () => {
  const page = await Page.open();
  const { icarus } = page;
  icarus.setRelease(LONG);
  icarus.setRoute(LONG);
  for (const bad of ["", LONG + "x", 412, null, undefined, {}] as string[]) {
    icarus.setRelease(bad);
    icarus.setRoute(bad);
    icarus.setExperiment("e", bad);
    icarus.setExperiment(bad, "A");
    icarus.setDimension("plan", bad);
    icarus.setDimension(bad, "pro");
  }
  for (const name of ["Plan", "a-b", "1a", "x".repeat(33)]) icarus.setDimension(name, "pro");
  await page.hide();
  expect(page.beacons[0]).toMatchObject({ release: LONG, page: { route: LONG } });
  expect(page.beacons[0]!.experiments ?? {}).toEqual({});
  expect(page.beacons[0]!.dimensions ?? {}).toEqual({});
});

test("eight experiments and eight dimensions fit, and known ones can still be changed", async () => {
  const page = await Page.open();
  for (let i = 0; i < 10; i++) {
    page.icarus.setExperiment("e" + i, "A");
    page.icarus.setDimension("d" + i, "x");
  }
  page.icarus.setExperiment("e0", "B");
  await page.hide();
  const { experiments, dimensions } = page.beacons[0]!;
  expect(Object.keys(experiments!)).toEqual(["e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7"]);
  expect(Object.keys(dimensions!)).toHaveLength(8);
  expect(experiments!.e0).toBe("B");
});

test("no call throws into the page, whatever it is given and however broken the page is", async () => {
  const page = await Page.open({
    setup: (window) => {
      Object.defineProperty(window.console, "warn", {
        value: () => {
          throw new Error("console");
        },
      });
      Object.defineProperty(window.navigator, "sendBeacon", {
        value: () => {
          throw new Error("beacon");
        },
      });
      Object.defineProperty(window, "fetch", {
        value: () => {
          throw new Error("fetch");
        },
      });
    },
  });
  const hostile = {
    toString() {
      throw new Error("hostile");
    },
    get message() {
      throw new Error("hostile");
    },
  };
  for (const call of ["measure", "setRoute", "setRelease", "setExperiment", "setDimension", "error", "flush"] as const) {
    for (const given of [hostile, Symbol("s"), null, undefined, 1n])
      (page.icarus[call] as (...args: unknown[]) => void)(given, given, given);
  }
  await page.pass(100_000);
  await page.leave();
  expect(page.uncaught).toEqual([]);
});
