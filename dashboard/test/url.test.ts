import { expect, test } from "vitest";
import { NOWHERE, type Place, parsePlace, placeUrl, toggleFilter, withFilter } from "../src/url";

const parse = (url: string): Place => {
  const { pathname, search } = new URL(url, "http://here");
  return parsePlace(pathname, search);
};

const FULL: Place = {
  ...NOWHERE,
  page: "explore",
  app: "shop",
  metric: "navigation.dns",
  as: "lines",
  filters: { route: ["/checkout", "/a b/:id?x=1&y#z"], browser: ["Mobile Safari"], country: [""] },
  split: "device",
  range: { from: 1_795_000_020, to: 1_795_003_607 },
  select: { from: 1_795_000_080, to: 1_795_000_140 },
  by: ["route", "os"],
  table: true,
};

test("a place reads back from its URL, whatever stands in its values", () => {
  const tricky = ["%", "+", "&=?#", "a:b:c", "é🙂", "<b>x</b>", "..", "\"'", "__other__", " "];
  const places: Place[] = [
    FULL,
    ...tricky.map((value): Place => ({ ...FULL, filters: { route: [value] } })),
    { ...NOWHERE, page: "alert", app: "my-app_2", alert: 12 },
  ];
  for (const place of places) expect(parse(placeUrl(place))).toEqual(place);
});

test("every page reads back from its path", () => {
  for (const page of ["overview", "explore", "alerts", "install"] as const) {
    expect(parse(placeUrl({ ...NOWHERE, page, app: "shop" }))).toEqual({ ...NOWHERE, page, app: "shop" });
  }
  expect(parse(placeUrl(NOWHERE))).toEqual(NOWHERE);
});

test("the question can be read in the URL", () => {
  const asked: Place = {
    ...NOWHERE,
    page: "explore",
    app: "shop",
    metric: "LCP",
    as: "heatmap",
    filters: { route: ["/checkout"], browser: ["Mobile Safari"] },
  };
  expect(placeUrl(asked)).toBe("/apps/shop/explore?metric=LCP&as=heatmap&filter=route:/checkout&filter=browser:Mobile+Safari&range=24h");
});

test("on the overview what is as usual is left out", () => {
  expect(placeUrl({ ...NOWHERE, page: "overview", app: "shop", metric: "LCP" })).toBe("/apps/shop");
});

test("what makes no sense in a URL is taken as not said", () => {
  const place = parse(
    "/apps/shop/explore?range=yesterday&as=pie&select=x&filter=novalue&filter=:x&filter=a:b&filter=a:b&by=,,&view=upside-down",
  );
  expect(place).toEqual({ ...NOWHERE, page: "explore", app: "shop", filters: { a: ["b"] } });
});

test("a path that is no page is lost, not an error", () => {
  for (const path of [
    "/nowhere",
    "/apps/shop/pie",
    "/apps/shop/alerts/x",
    "/apps/shop/explore/3",
    "/apps/a/alerts/1/2",
    "/apps/%E0%A4%A/pie",
  ])
    expect(parsePlace(path, "").page, path).toBe("lost");
});

test("toggling a value adds it as an alternative and takes it away again, in place", () => {
  const one = toggleFilter({ route: ["/"], device: ["tv"] }, "route", "/a");
  expect(one).toEqual({ route: ["/", "/a"], device: ["tv"] });
  expect(Object.keys(one)).toEqual(["route", "device"]);
  expect(toggleFilter(one, "route", "/")).toEqual({ route: ["/a"], device: ["tv"] });
  expect(toggleFilter({ route: ["/"] }, "route", "/")).toEqual({});
  expect(withFilter({ route: ["/"], os: ["x"] }, "route", [])).toEqual({ os: ["x"] });
});
