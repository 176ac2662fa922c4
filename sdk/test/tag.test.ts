import { expect, test } from "vitest";

import { Page, SCRIPT } from "./page.js";

test("one tag is all it takes: beacons go to the script's own origin", async () => {
  const page = await Page.open();
  await page.hide();
  expect(page.sent).toMatchObject([
    { via: "sendBeacon", url: "https://rum.example/v1/beacons", beacon: { app: "shop", key: "pk_shop" } },
  ]);
  expect(page.sent[0]!.beacon).not.toHaveProperty("weight");
  expect(page.sent[0]!.beacon.page).not.toHaveProperty("route");
  expect(page.warnings).toEqual([]);
  expect(page.uncaught).toEqual([]);
});

test("the tag's attributes are the options", async () => {
  const page = await Page.open({
    tag: { "data-release": "4.12.0", "data-route": "/product/:id", "data-endpoint": "/rum", "data-sample": "1" },
  });
  await page.hide();
  expect(page.sent).toMatchObject([
    { url: "https://shop.example/rum", beacon: { release: "4.12.0", page: { route: "/product/:id" } } },
  ]);
});

test.each(["data-app", "data-key"])("without %s it says what to add, once, and does nothing", async (lacking) => {
  const page = await Page.open({
    tag: { [lacking]: undefined },
    html: "<script>window.icarus = { q: [['measure', 'ttft', 1]] }</script>",
  });
  page.icarus.measure("ttft", 1);
  page.icarus.flush();
  await page.pass(100_000);
  await page.hide();
  expect(page.sent).toEqual([]);
  expect(page.warnings).toHaveLength(1);
  expect(page.warnings[0]).toContain(lacking);
  expect(page.uncaught).toEqual([]);
});

test("calls queued before the script came are made, in their order", async () => {
  const page = await Page.open({
    html: `<script>
      window.icarus = window.icarus || { q: [] };
      icarus.q.push(["setRoute", "/assistant"]);
      icarus.q.push(["measure", "ttft", 412, "ms"], ["setExperiment", "checkout", "B"]);
      window.kept = { icarus, q: icarus.q };
    </script>`,
  });
  await page.hide();
  expect(page.beacons).toMatchObject([{ page: { route: "/assistant" }, experiments: { checkout: "B" } }]);
  expect(page.events("ttft")).toMatchObject([{ value: 412, unit: "ms" }]);
});

test("whatever the page kept of its queue goes on working after the script came", async () => {
  const page = await Page.open({
    html: "<script>window.kept = { icarus: window.icarus = { q: [] } }; kept.q = icarus.q</script>",
  });
  const kept = (page.window as unknown as { kept: { icarus: Page["icarus"] & { q: unknown[] }; q: unknown[] } }).kept;
  kept.q.push(["measure", "by_queue", 1]);
  kept.icarus.q.push(["measure", "by_object", 2]);
  kept.icarus.measure("by_call", 3);
  await page.hide();
  expect(page.events().map(({ metric }) => metric)).toEqual(expect.arrayContaining(["by_queue", "by_object", "by_call"]));
  expect(kept.q).toHaveLength(0);
});

test("a call that does not exist, or is none at all, is warned of and the others are made", async () => {
  const page = await Page.open({
    html: "<script>window.icarus = { q: [['mesure', 'x', 1], null, 7, ['measure', 'right', 1]] }</script>",
  });
  await page.hide();
  expect(page.values("right")).toEqual([1]);
  expect(page.warnings.join()).toContain("mesure");
  expect(page.uncaught).toEqual([]);
});

test("an element that has the name is no queue, and is left alone", async () => {
  const page = await Page.open({ html: `<div id="icarus"></div>` });
  expect(page.window.document.querySelector("#icarus")).not.toHaveProperty("measure");
  page.icarus.measure("ttft", 1);
  await page.hide();
  expect(page.values("ttft")).toEqual([1]);
});

test("the script twice on a page counts once", async () => {
  const page = await Page.open();
  page.window.eval(SCRIPT);
  await page.hide();
  expect(page.values("page_view")).toEqual([1]);
  expect(page.warnings).toHaveLength(1);
});

test("as a module, where there is no current script, it finds its tag", async () => {
  const page = await Page.open({
    tag: null,
    html: `<script type="text/plain" src="https://rum.example/x.js" data-app="shop" data-key="pk"></script>`,
  });
  page.window.eval(SCRIPT);
  await page.hide();
  expect(page.sent).toMatchObject([{ url: "https://rum.example/v1/beacons", beacon: { key: "pk" } }]);
});

test("with an endpoint that is no address nothing is measured, and the page goes on", async () => {
  const page = await Page.open({ tag: { "data-endpoint": "https://" } });
  page.icarus.measure("ttft", 1);
  await page.hide();
  expect(page.sent).toEqual([]);
  expect(page.warnings).toHaveLength(1);
  expect(page.uncaught).toEqual([]);
});
