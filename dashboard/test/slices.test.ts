import { expect, test } from "vitest";
import type { Metric } from "../src/answer";
import { askingOf } from "../src/asking";
import { freeOption, matching } from "../src/parts/options";
import { countedBeside, countedTogether, concerns, filtersName, sliceName, usualDimensions } from "../src/slices";

const TOGETHER = [[], ["route", "device", "country"], ["route", "browser"], ["device", "experiment", "arm"]];

test("dimensions are counted together when one set has them all", () => {
  expect(countedTogether(TOGETHER, [])).toBe(true);
  expect(countedTogether(TOGETHER, ["country", "route"])).toBe(true);
  expect(countedTogether(TOGETHER, ["route", "browser", "device"])).toBe(false);
});

test("a set with the experiment answers only questions that name it", () => {
  expect(countedTogether([["device", "experiment", "arm"]], ["device"])).toBe(false);
  expect(countedTogether(TOGETHER, ["experiment", "device"])).toBe(true);
  expect(countedTogether(TOGETHER, ["arm"])).toBe(false);
});

test("what is counted beside the filters narrows as filters are set", () => {
  const all = ["route", "device", "country", "browser", "experiment", "arm"];
  expect(countedBeside(all, TOGETHER, {})).toEqual(["route", "device", "country", "browser", "experiment"]);
  expect(countedBeside(all, TOGETHER, { browser: ["Chrome"] })).toEqual(["route", "browser"]);
});

test("the panels leave out a dimension of which one value is left, but not one with alternatives", () => {
  const app = { dimensions: ["country", "device", "browser", "route"], together: TOGETHER };
  expect(usualDimensions(app, {})).toEqual(["route", "browser", "country", "device"]);
  expect(usualDimensions(app, { route: ["/"] })).toEqual(["browser", "country", "device"]);
  expect(usualDimensions(app, { route: ["/", "/a"] })).toEqual(["route", "browser", "country", "device"]);
});

test("the panels are the usual ones where no dimension is counted together with the filters", () => {
  const app = { dimensions: ["country", "device", "browser", "route", "arm", "release"], together: TOGETHER };
  expect(usualDimensions(app, { browser: ["Safari"], country: ["BR"] })).toEqual(["route", "device", "release"]);
});

test("filters and slices read as words", () => {
  expect(filtersName({})).toBe("everyone");
  expect(filtersName({ route: ["/checkout"], browser_version: ["Safari 26", ""] })).toBe(
    "route /checkout and browser version Safari 26 or (not known)",
  );
  expect(sliceName({ country: "__other__" })).toBe("country (all others)");
});

test("a flag concerns a view unless a filter shuts its slice out", () => {
  const slice = { route: "/checkout", browser: "Safari" };
  expect(concerns(slice, {})).toBe(true);
  expect(concerns(slice, { route: ["/", "/checkout"] })).toBe(true);
  expect(concerns(slice, { country: ["BR"] })).toBe(true);
  expect(concerns(slice, { browser: ["Chrome"] })).toBe(false);
});

test("a search finds options that have every word, in any order, and in their group's name", () => {
  const options = [
    { value: "a", label: "Mobile Safari", group: "browser" },
    { value: "b", label: "Safari", group: "browser" },
    { value: "c", label: "/safari", group: "route" },
  ];
  expect(matching(options, "safari mob").map(({ value }) => value)).toEqual(["a"]);
  expect(matching(options, "browser safari").map(({ value }) => value)).toEqual(["a", "b"]);
  expect(matching(options, "").length).toBe(3);
});

test("a value beyond those listed can be typed, colons and all, for a dimension that there is", () => {
  expect(freeOption("route:/a:b", ["route"])).toMatchObject({ value: "route\t/a:b", label: "/a:b" });
  expect(freeOption("browser version:Safari 26", ["browser_version"])).toMatchObject({ value: "browser_version\tSafari 26" });
  expect(freeOption("planet:mars", ["route"])).toBeNull();
  expect(freeOption("mars", ["route"])).toBeNull();
});

test("a counter is shown as counts whatever the URL says, and a heat map is never split", () => {
  const metric = (unit: Metric["unit"]): Metric => ({ name: "m", title: "m", unit, last_seen: "" });
  expect(askingOf({ as: "heatmap", split: null }, metric("count"))).toMatchObject({ mode: "counts", counter: true });
  expect(askingOf({ as: null, split: "browser" }, metric("ms"))).toMatchObject({ mode: "lines", split: "browser" });
  expect(askingOf({ as: "heatmap", split: "browser" }, metric("ms"))).toMatchObject({ mode: "heatmap", split: null });
});
