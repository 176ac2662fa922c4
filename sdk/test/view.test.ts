import { expect, test } from "vitest";

import { Page } from "./page.js";

test("a page view is counted once, as of its beginning", async () => {
  const page = await Page.open();
  await page.pass(3990);
  await page.hide();
  await page.show();
  await page.leave();
  expect(page.events("page_view")).toEqual([{ metric: "page_view", value: 1, unit: "count", age_ms: 5000 }]);
});

test("a page's address is sent without user, query and fragment", async () => {
  const page = await Page.open({ url: "https://ann:secret@shop.example/product/4711?token=x#top" });
  await page.hide();
  expect(page.beacons[0]!.page.url).toBe("https://shop.example/product/4711");
  expect(page.sent[0]!.body).not.toContain("secret");
});

test.each([
  ["navigate", "navigate"],
  ["reload", "reload"],
  ["back_forward", "back-forward"],
] as const)("a navigation of type %s is a %s, before web-vitals has said so and after", async (type, name) => {
  const page = await Page.open({ navigation: { type } });
  await page.hide();
  expect(page.beacons[0]!.page.navigation_type).toBe(name);
});

test("a page that the browser had discarded is a restore", async () => {
  const page = await Page.open({ setup: (window) => Object.defineProperty(window.document, "wasDiscarded", { value: true }) });
  await page.hide();
  expect(page.beacons[0]!.page.navigation_type).toBe("restore");
});

test("each return from the back/forward cache is a page view of its own, with vitals of its own", async () => {
  const page = await Page.open({ tag: { "data-route": "/" } });
  page.timeline.add("paint", { name: "first-contentful-paint", startTime: 500 });
  page.timeline.add("largest-contentful-paint", { startTime: 500, url: "", element: null });
  await page.pass(990);
  await page.leave();
  await page.pass(60_000);
  const left = page.events().length;
  await page.restore();
  page.interact(62_100, 120);
  await page.pass(960);
  await page.leave();
  const [first, second] = page.beacons;
  expect(first!.page).toMatchObject({ navigation_type: "navigate", route: "/" });
  expect(second!.page).toMatchObject({ navigation_type: "back-forward-cache", route: "/" });
  expect(second!.page.view_id).not.toBe(first!.page.view_id);
  expect(second!.session).toEqual(first!.session);
  const again = Object.fromEntries(
    page
      .events()
      .slice(left)
      .map((event) => [event.metric, event]),
  );
  expect(again).toMatchObject({
    page_view: { value: 1, age_ms: 1000 },
    TTFB: { value: 0, age_ms: 1000 },
    FCP: { value: 32 },
    LCP: { value: 32, age_ms: 968 },
    CLS: { value: 0 },
    INP: { value: 120 },
  });
  expect(Object.keys(again).filter((metric) => metric.startsWith("navigation."))).toEqual([]);
});

test("a page that is prerendered and never shown sends nothing", async () => {
  const page = await Page.open({ prerendering: true });
  page.icarus.measure("ttft", 1);
  page.icarus.flush();
  await page.pass(200_000);
  await page.leave();
  expect(page.sent).toEqual([]);
});

test("a page that was prerendered is a page view when it is shown, and its vitals count from then", async () => {
  const page = await Page.open({ prerendering: true });
  page.icarus.measure("before", 1);
  page.timeline.add("paint", { name: "first-contentful-paint", startTime: 500 });
  page.timeline.add("largest-contentful-paint", { startTime: 3500, url: "", element: null });
  await page.pass(1990);
  await page.activate();
  await page.pass(2000);
  await page.hide();
  const sent = Object.fromEntries(page.events().map((event) => [event.metric, event]));
  expect(page.clock.now).toBe(5000);
  expect(sent).toMatchObject({
    page_view: { value: 1, age_ms: 2000 },
    TTFB: { value: 0, age_ms: 2000 },
    FCP: { value: 0, age_ms: 2000 },
    LCP: { value: 500, age_ms: 1500 },
    before: { age_ms: 3990 },
  });
  expect(page.beacons[0]!.page.navigation_type).toBe("prerender");
});

test("a page that was prerendered for long sends what waits a minute after it is shown", async () => {
  const page = await Page.open({ prerendering: true });
  page.icarus.measure("before", 1);
  await page.pass(500_000);
  await page.activate();
  await page.pass(60_000);
  expect(page.values("page_view")).toEqual([1]);
  expect(page.values("before")).toEqual([1]);
});

test("the first route names the page view from its beginning", async () => {
  const page = await Page.open();
  page.icarus.measure("before", 1);
  page.icarus.setRoute("/product/:id");
  await page.hide();
  expect(page.beacons).toMatchObject([{ page: { route: "/product/:id" } }]);
});

test("a first route that comes after the address has changed is not the route of what was measured before", async () => {
  const page = await Page.open();
  page.icarus.measure("before", 1);
  page.window.history.pushState({}, "", "/cart");
  page.icarus.setRoute("/cart");
  page.icarus.measure("after", 1);
  await page.hide();
  const routeOf = (metric: string) =>
    page.beacons.find(({ events }) => events.some((event) => event.metric === metric))!.page.route;
  expect([routeOf("before"), routeOf("page_view"), routeOf("after")]).toEqual([undefined, undefined, "/cart"]);
});

test("what was measured before a change of route keeps its route, address and page view", async () => {
  const page = await Page.open({ tag: { "data-route": "/" } });
  page.interact(900, 64);
  await page.pass(100);
  page.window.history.pushState({}, "", "/cart?x=1");
  page.icarus.setRoute("/cart");
  page.icarus.measure("after", 1);
  page.icarus.setRoute("/cart");
  page.icarus.measure("after", 2);
  // Heard of late, but of the loading.
  page.timeline.add("largest-contentful-paint", { startTime: 500, url: "", element: null });
  page.interact(1200, 240);
  await page.pass(100);
  await page.hide();
  const [landing, cart] = ["/", "/cart"].map((route) => page.beacons.find((beacon) => beacon.page.route === route)!);
  expect(page.beacons).toHaveLength(2);
  expect(cart!.page).toEqual({ ...landing!.page, route: "/cart", url: "https://shop.example/cart" });
  expect(cart!.events.map(({ metric }) => metric).sort()).toEqual(["INP", "after", "after"]);
  expect(landing!.events.map(({ metric }) => metric)).toEqual(expect.arrayContaining(["LCP", "TTFB", "page_view"]));
});
