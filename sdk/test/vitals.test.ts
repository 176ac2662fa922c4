import { expect, test } from "vitest";

import { settled } from "./clock.js";
import { Page } from "./page.js";

const HERO = "https://cdn.example/hero.avif";
const BODY = `<main id="shop"><img class="hero big"><p class="late">text</p><button class="buy">Buy</button></main>`;
const element = (page: Page, selector: string) => page.window.document.querySelector(selector);

/** A page on which everything was measured: FCP at 500, LCP at 1,500, a shift at 1,600, a click at 2,000. */
async function used(): Promise<Page> {
  const page = await Page.open({ html: BODY });
  page.timeline.add("paint", { name: "first-contentful-paint", startTime: 500 });
  page.timeline.add("resource", { name: HERO, startTime: 450, requestStart: 470, responseEnd: 1300 });
  page.timeline.add("largest-contentful-paint", { startTime: 1500.04, url: HERO + "?w=800#x", element: element(page, "img") });
  page.timeline.entries.find(({ entryType }) => entryType === "resource")!.name = HERO + "?w=800#x";
  await page.pass(1000);
  page.timeline.add("layout-shift", {
    startTime: 1600,
    value: 0.04,
    hadRecentInput: false,
    sources: [{ node: element(page, "p")!.firstChild }],
  });
  page.timeline.add("layout-shift", {
    startTime: 1700,
    value: 0.01,
    hadRecentInput: false,
    sources: [{ node: element(page, "img") }],
  });
  page.timeline.add("long-animation-frame", {
    startTime: 1990,
    duration: 190,
    scripts: [
      {
        startTime: 2000,
        duration: 6,
        invoker: "TimerHandler:setTimeout",
        sourceURL: "https://shop.example/poll.js",
        sourceFunctionName: "poll",
        sourceCharPosition: 3,
      },
      {
        startTime: 2010,
        duration: 150,
        invoker: "BUTTON#buy.onclick",
        sourceURL: "https://shop.example/shop.js?v=7",
        sourceFunctionName: "buy",
        sourceCharPosition: 4711,
      },
    ],
  });
  page.interact(2000, 176, { target: element(page, "button"), processingStart: 2010, processingEnd: 2160 });
  await page.pass(2990);
  return page;
}

test("all five vitals are sent once the page is hidden, each with its value, id and age", async () => {
  const page = await used();
  await page.hide();
  const sent = Object.fromEntries(
    page
      .events()
      .filter(({ id }) => id)
      .map((event) => [event.metric, event]),
  );
  expect(page.clock.now).toBe(5000);
  expect(sent.TTFB).toMatchObject({ value: 350, age_ms: 4650 });
  expect(sent.FCP).toMatchObject({ value: 500, age_ms: 4500 });
  expect(sent.LCP).toMatchObject({ value: 1500.04, age_ms: 3500 });
  expect(sent.CLS).toMatchObject({ value: 0.05, age_ms: 3400 });
  expect(sent.INP).toMatchObject({ value: 176, age_ms: 3000 });
  expect(new Set(Object.values(sent).map(({ id }) => id)).size).toBe(5);
  expect(page.sent).toHaveLength(1);
});

test("the parts of TTFB, FCP, LCP and INP add up to their values", async () => {
  const page = await used();
  await page.hide();
  const cause = (metric: string) => page.events(metric)[0]!.attribution;
  expect(cause("TTFB")).toEqual({
    waitingDuration: 5,
    cacheDuration: 5,
    dnsDuration: 20,
    connectionDuration: 65,
    requestDuration: 255,
  });
  expect(cause("FCP")).toEqual({ timeToFirstByte: 350, firstByteToFCP: 150 });
  expect(cause("LCP")).toEqual({
    target: "#shop>img.hero.big",
    url: HERO,
    timeToFirstByte: 350,
    resourceLoadDelay: 120,
    resourceLoadDuration: 830,
    elementRenderDelay: 200,
  });
  expect(cause("INP")).toEqual({
    interactionTarget: "#shop>button.buy",
    interactionType: "pointer",
    inputDelay: 10,
    processingDuration: 150,
    presentationDelay: 16,
    scriptDuration: 150,
    scriptInvoker: "BUTTON#buy.onclick",
    scriptUrl: "https://shop.example/shop.js",
    scriptFunction: "buy",
    scriptPosition: 4711,
  });
});

test("the handlers of all events that one paint waited for are processing, also those of other events than the longest", async () => {
  const page = await Page.open();
  const click = { processingStart: 2006, processingEnd: 2150 };
  page.timeline.add("event", { name: "click", startTime: 2001, duration: 160, interactionId: 1, ...click });
  page.interact(2000, 168, { name: "pointerdown", processingStart: 2003, processingEnd: 2004, interactionId: 1 });
  page.timeline.add("event", {
    name: "keydown",
    startTime: 3000,
    duration: 48,
    interactionId: 2,
    processingStart: 3001,
    processingEnd: 3040,
  });
  // Neither has reached its observer when the page is hidden.
  page.timeline.add("long-animation-frame", {
    startTime: 2000,
    duration: 160,
    scripts: [
      { startTime: 2006, duration: 144, invoker: "A.onclick", sourceURL: "", sourceFunctionName: "", sourceCharPosition: -1 },
    ],
  });
  await page.hide();
  expect(page.events("INP")).toMatchObject([
    {
      value: 168,
      attribution: {
        inputDelay: 3,
        processingDuration: 147,
        presentationDelay: 18,
        scriptDuration: 144,
        scriptInvoker: "A.onclick",
      },
    },
  ]);
});

test("handlers that ran on from before the interaction make no negative delay", async () => {
  const page = await Page.open();
  page.timeline.add("event", {
    name: "pointerover",
    startTime: 1980,
    duration: 184,
    interactionId: 0,
    processingStart: 1981,
    processingEnd: 2050,
  });
  page.interact(2000, 160, { processingStart: 2050, processingEnd: 2060 });
  await page.hide();
  expect(page.events("INP")).toMatchObject([
    { value: 160, attribution: { inputDelay: 0, processingDuration: 60, presentationDelay: 100 } },
  ]);
});

test("CLS names its largest shift, and the element that holds a shifted text", async () => {
  const page = await used();
  await page.hide();
  expect(page.events("CLS")[0]!.attribution).toEqual({
    largestShiftTarget: "#shop>p.late",
    largestShiftTime: 1600,
    largestShiftValue: 0.04,
  });
});

test("a page without a shift or an interaction sends a CLS of 0 and no INP", async () => {
  const page = await Page.open();
  page.timeline.add("paint", { name: "first-contentful-paint", startTime: 500 });
  await page.pass(100);
  await page.hide();
  expect(page.events("CLS")).toMatchObject([{ value: 0 }]);
  expect(page.events("CLS")[0]).not.toHaveProperty("attribution");
  expect(page.events("INP")).toEqual([]);
});

test("LCP, CLS and INP wait for the page to be hidden, whatever else is flushed", async () => {
  const page = await used();
  page.icarus.flush();
  await page.pass(200_000);
  const metrics = () => new Set(page.events().map(({ metric }) => metric));
  expect(metrics()).toContain("FCP");
  for (const waits of ["LCP", "CLS", "INP"]) expect(metrics()).not.toContain(waits);
  await page.hide();
  for (const waits of ["LCP", "CLS", "INP"]) expect(metrics()).toContain(waits);
});

test("what changes after a vital was sent is not sent again", async () => {
  const page = await used();
  await page.hide();
  await page.show();
  page.interact(6000, 800, { target: element(page, "button") });
  page.timeline.add("layout-shift", { startTime: 6500, value: 0.5, hadRecentInput: false, sources: [] });
  await page.pass(2000);
  await page.hide();
  expect(page.values("INP")).toEqual([176]);
  expect(page.values("CLS")).toEqual([0.05]);
});

test("entries that no observer has seen yet when the page is left still count", async () => {
  const page = await used();
  // Neither was delivered: the page goes away in the same moment.
  page.interact(4800, 304, { target: element(page, "button") });
  page.timeline.add("layout-shift", { startTime: 4900, value: 0.2, hadRecentInput: false, sources: [] });
  await page.leave();
  expect(page.values("INP")).toEqual([304]);
  expect(page.values("CLS")).toEqual([0.2]);
});

test("an interaction that the page is hidden on before it was processed counts", async () => {
  const page = await used();
  page.interact(4800, 304, { target: element(page, "button") });
  page.timeline.deliver();
  await settled();
  await page.hide();
  expect(page.values("INP")).toEqual([304]);
});

test("a page that was hidden from the start reports no paint, and is a page view", async () => {
  const hidden = await Page.open({ visibility: "hidden" });
  hidden.timeline.add("paint", { name: "first-contentful-paint", startTime: 500 });
  hidden.timeline.add("largest-contentful-paint", { startTime: 500, url: "", element: null });
  await hidden.pass(100);
  await hidden.fire(hidden.window, "pagehide");
  expect(hidden.events("FCP")).toEqual([]);
  expect(hidden.events("LCP")).toEqual([]);
  expect(hidden.values("page_view")).toEqual([1]);
  expect(hidden.values("TTFB")).toEqual([350]);
});

test("selectors are cut at 100 characters, and at a part's end where there is one", async () => {
  const outer = `<section class="${"a".repeat(90)}">`;
  const table = [
    [`${outer}<i class="${"b".repeat(40)}"></i></section>`, "i." + "b".repeat(40)],
    [`${outer}<i class="${"b".repeat(300)}"></i></section>`, "i." + "b".repeat(98)],
  ] as const;
  for (const [html, target] of table) {
    const page = await Page.open({ html });
    page.timeline.add("largest-contentful-paint", { startTime: 1200, url: "", element: element(page, "i") });
    await page.pass(1);
    await page.hide();
    expect(page.events("LCP")[0]!.attribution!.target).toBe(target);
  }
});

test("an address in the attribution is cut at 200 characters", async () => {
  const page = await Page.open();
  page.timeline.add("largest-contentful-paint", {
    startTime: 1200,
    url: "https://cdn.example/" + "é".repeat(500),
    element: null,
  });
  await page.pass(1);
  await page.hide();
  expect(page.events("LCP")[0]!.attribution!.url).toHaveLength(200);
});

test("an attribution that texts would make too large keeps its numbers", async () => {
  const page = await Page.open();
  const long = "\u0001".repeat(200);
  page.timeline.add("long-animation-frame", {
    startTime: 2000,
    duration: 200,
    scripts: [
      { startTime: 2000, duration: 90, invoker: long, sourceURL: long, sourceFunctionName: long, sourceCharPosition: 12 },
    ],
  });
  page.interact(2000, 104);
  await page.pass(100);
  await page.hide();
  expect(page.events("INP")[0]!.attribution).toEqual({
    inputDelay: 5,
    processingDuration: 89,
    presentationDelay: 10,
    scriptDuration: 90,
    scriptPosition: 12,
  });
});
