import { expect, test } from "vitest";

import { Page, SCRIPT } from "./page.js";

const phases = (page: Page) =>
  Object.fromEntries(
    page
      .events()
      .filter(({ metric }) => metric.startsWith("navigation."))
      .map(({ metric, value }) => [metric.slice(11), value]),
  );

test("each phase of a load over a new connection is sent, the connection without its TLS", async () => {
  const page = await Page.open({ navigation: { redirectStart: 1, redirectEnd: 4 } });
  await page.hide();
  expect(phases(page)).toEqual({
    redirect: 3,
    dns: 20,
    connect: 25,
    tls: 40,
    request: 250,
    response: 70,
    dom_interactive: 600,
    dom_content_loaded: 700,
    load: 1000,
  });
});

test("a phase is as old as its end", async () => {
  const page = await Page.open();
  await page.pass(990);
  await page.hide();
  expect(page.events("navigation.dns")[0]!.age_ms).toBe(2000 - 30);
  expect(page.events("navigation.load")[0]!.age_ms).toBe(2000 - 1000);
});

test("over a connection that was there already, what did not happen is not sent as 0", async () => {
  const reused = { domainLookupStart: 8, domainLookupEnd: 8, connectStart: 8, secureConnectionStart: 8, connectEnd: 8 };
  const page = await Page.open({ navigation: reused });
  await page.hide();
  expect(Object.keys(phases(page))).toEqual(["request", "response", "dom_interactive", "dom_content_loaded", "load"]);
});

test("without TLS the whole of connecting is connecting", async () => {
  const page = await Page.open({ navigation: { secureConnectionStart: 0 } });
  await page.hide();
  expect(phases(page)).toMatchObject({ connect: 65 });
  expect(phases(page)).not.toHaveProperty("tls");
});

test("a request answered in no time is sent as 0, a moment that the browser hides is not sent", async () => {
  const page = await Page.open({ navigation: { requestStart: 350, responseEnd: 0 } });
  await page.hide();
  expect(phases(page)).toMatchObject({ request: 0 });
  expect(phases(page)).not.toHaveProperty("response");
});

test("for a page that was prerendered only the time after it was shown counts, and never less than none", async () => {
  const page = await Page.open({
    prerendering: true,
    navigation: { domInteractive: 9000, domContentLoadedEventStart: 9100, loadEventStart: 9500 },
  });
  await page.pass(7990);
  await page.activate();
  await page.pass(1000);
  await page.hide();
  expect(page.navigation.activationStart).toBe(9000);
  expect(phases(page)).toEqual({ request: 0, response: 0, dom_interactive: 0, dom_content_loaded: 100, load: 500 });
  expect(page.events("navigation.request")[0]!.age_ms).toBe(1000);
  expect(page.events("navigation.load")[0]!.age_ms).toBe(500);
});

test("phases wait for the load event, whose time is the last that comes to be known", async () => {
  const page = await Page.open({
    navigation: { loadEventStart: 0 },
    setup: (window, { clock, navigation }) =>
      window.addEventListener("load", () => {
        clock.catchUp();
        Object.assign(navigation, { loadEventStart: 1000 });
      }),
  });
  await page.hide();
  expect(phases(page)).toMatchObject({ dom_interactive: 600, load: 1000 });
});

test("a script that comes after the load event still reports its phases, once", async () => {
  const page = await Page.open({
    tag: null,
    html: `<script type="text/plain" src="https://rum.example/x.js" data-app="shop" data-key="pk"></script>`,
  });
  page.window.eval(SCRIPT);
  await page.pass(10);
  await page.fire(page.window, "load");
  await page.pass(10);
  await page.hide();
  expect(page.values("navigation.load")).toEqual([1000]);
});
