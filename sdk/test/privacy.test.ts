import { expect, test } from "vitest";

import { type Options, Page } from "./page.js";

const withGpc =
  (value: unknown): NonNullable<Options["setup"]> =>
  (window) =>
    Object.defineProperty(window.navigator, "globalPrivacyControl", { value });

/** A page with a session that begins with `prefix`, as sessionStorage has it from the page before. */
const inSession =
  (prefix: string): NonNullable<Options["setup"]> =>
  (window) =>
    window.sessionStorage.setItem("icarus", prefix + "0".repeat(32 - prefix.length));

/** Something of each kind that has a cause to tell. */
async function used(options: Options): Promise<Page> {
  const page = await Page.open({ html: "<img class=hero>", ...options });
  page.timeline.add("largest-contentful-paint", {
    startTime: 500,
    url: "https://cdn.example/a.avif",
    element: page.window.document.querySelector("img"),
  });
  page.interact(900, 64, { target: page.window.document.querySelector("img") });
  await page.fire(page.window, "error", {
    message: "failed for ann@example.org",
    filename: "https://shop.example/a.js",
    lineno: 3,
    colno: 4,
  });
  await page.pass(100);
  await page.hide();
  return page;
}
const texts = (page: Page) =>
  page.events().flatMap(({ attribution }) => Object.values(attribution ?? {}).filter((value) => typeof value === "string"));

test("the session lives in the tab's storage and nowhere else", async () => {
  const page = await used({});
  const { id } = page.beacons[0]!.session!;
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(page.window.sessionStorage.getItem("icarus")).toBe(id);
  expect(page.window.localStorage).toHaveLength(0);
  expect(page.window.document.cookie).toBe("");
});

test("the next page of the tab is of the same session", async () => {
  const page = await used({ setup: inSession("ab") });
  expect(page.beacons[0]!.session!.id).toBe("ab" + "0".repeat(30));
});

test("where storage is refused, the page view has a session of its own", async () => {
  const page = await used({
    setup: (window) =>
      Object.defineProperty(window, "sessionStorage", {
        get() {
          throw new Error("SecurityError");
        },
      }),
  });
  expect(page.beacons[0]!.session!.id).toMatch(/^[0-9a-f]{32}$/);
  expect(page.uncaught).toEqual([]);
});

test("a visitor with Global Privacy Control has no session id, nothing stored, and no text in any attribution", async () => {
  const page = await used({ setup: withGpc(true) });
  expect(page.beacons[0]).not.toHaveProperty("session");
  expect(page.window.sessionStorage).toHaveLength(0);
  expect(texts(page)).toEqual([]);
  expect(page.events("error")[0]!.attribution).toEqual({ line: 3, column: 4 });
  expect(page.events("INP")[0]!.attribution).toEqual({ inputDelay: 5, processingDuration: 49, presentationDelay: 10 });
});

test.each([
  ["is not set", { setup: withGpc(false) }],
  ["is not known", {}],
  ["is overruled by the tag", { setup: withGpc(true), tag: { "data-respect-gpc": "off" } }],
] as [string, Options][])("where Global Privacy Control %s, causes are sent with their texts", async (_, options) => {
  const page = await used(options);
  expect(page.beacons[0]).toHaveProperty("session");
  expect(texts(page)).toEqual(expect.arrayContaining(["html>body>img.hero", "failed for ann@example.org"]));
});

test("a sampled session is measured on all its pages, another on none, and the weight makes up for it", async () => {
  // The first 32 bits of the id, as a share of all, against a share of 1/10.
  for (const [session, measured] of [
    ["00000000", true],
    ["19999999", true],
    ["1999999a", false],
    ["ffffffff", false],
  ] as const) {
    const page = await used({ tag: { "data-sample": "0.1" }, setup: inSession(session) });
    expect(page.beacons.map(({ weight }) => weight)).toEqual(measured ? [10] : []);
    expect(page.warnings).toEqual([]);
    expect(page.uncaught).toEqual([]);
  }
});

test("two fresh tabs are two sessions", async () => {
  const [one, other] = [await used({}), await used({})];
  expect(one.beacons[0]!.session).not.toEqual(other.beacons[0]!.session);
});

test.each([
  ["1", undefined, false],
  ["0.25", 4, false],
  ["0.05", 20, false],
  ["0.333", 3, false],
  ["0.0001", 10_000, false],
  ["0.3", 3, true],
  ["0.7", undefined, true],
  ["0.00001", 10_000, true],
  ["0", 10_000, true],
  ["-1", undefined, true],
  ["10", undefined, true],
  ["ten", undefined, true],
])("a sample of %s has weight %s, and the page's author hears of it: %s", async (sample, weight, warned) => {
  const page = await used({ tag: { "data-sample": sample }, setup: inSession("00000000") });
  expect(page.beacons[0]!.weight).toBe(weight);
  expect(page.warnings).toHaveLength(warned ? 1 : 0);
});
