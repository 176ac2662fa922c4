// @ts-check
/** A page view's whole way: a real page in a real browser, the SDK as it is served, the intake, the API, the dashboard. */

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { serveSite } from "../../demo/site.mjs";
import { launch, pixelsDrawn, settled, userAgent } from "./chromium.mjs";
import { api, freePort, serveIcarus } from "./icarus.mjs";
import { until, watching } from "./own-values.mjs";

const SCREENS = fileURLToPath(new URL("../screens/", import.meta.url));
const VITALS = /** @type {const} */ (["LCP", "CLS", "INP", "FCP", "TTFB"]);

/** @type {{ url: string, stop: () => Promise<void> }} */
let icarus;
/** @type {{ stop: () => Promise<unknown> }} */
let site;
/** @type {string} */
let shop;
/** @type {import("playwright-core").Browser} */
let browser;
/** @type {import("playwright-core").BrowserContext} */
let visitor;
/** @type {Awaited<ReturnType<typeof watching>>} */
let view;
/** @type {ReturnType<typeof api>} */
let asked;

before(async () => {
  const port = await freePort();
  shop = `http://127.0.0.1:${port}`;
  icarus = await serveIcarus(shop);
  asked = api(icarus.url);
  site = await serveSite({ port, icarus: icarus.url, onAlert: () => {} });
  browser = await launch();
  visitor = await browser.newContext({ viewport: { width: 1280, height: 900 }, userAgent: await userAgent(browser) });
  view = await watching(visitor);
});

after(async () => {
  await browser?.close();
  await site?.stop();
  await icarus?.stop();
});

/**
 * Whether the API's value can be the browser's. A bucket of the histogram is at most 1/128 of its values wide and is read back as its
 * middle, which is off by 1/256 at most; the SDK rounds to 0.0001, and the server counts scores in those and times in 0.001 ms.
 * @param {string} metric @param {number} read @param {number | undefined} own
 */
function same(metric, read, own) {
  assert.ok(own !== undefined, `the browser has no ${metric}`);
  const tolerance = own / 256 + (metric === "CLS" ? 0.0001 : 0.001);
  assert.ok(Math.abs(read - own) <= tolerance, `${metric} is ${own} to the browser, and ${read} to the API`);
}

/** The value of the only page view of `route`. @param {string} metric @param {string} route */
async function only(metric, route) {
  const [point] = await asked.minutesOf(metric, route, 1);
  assert.ok(point !== undefined);
  const values = point.quantiles.map(({ value }) => value);
  assert.equal(new Set(values).size, 1, `one value has one quantile, not ${values}`);
  return { value: values[0] ?? Number.NaN, at: Date.parse(point.at) };
}

/** A visit of the front page that goes badly. @type {Awaited<ReturnType<typeof view>>} */
let bad;

test("LCP, CLS, INP, FCP and TTFB of a page that was used and closed are in the API with the browser's own values", async () => {
  bad = await view(`${shop}/`, async (page) => {
    await until(page, ({ LCP = 0, load = 0 }) => LCP > 0 && load > 0);
    await page.getByRole("button", { name: "Answer slowly" }).click();
    await until(page, ({ INP = 0 }) => INP >= 400);
    await page.getByRole("button", { name: "Bring a late banner" }).click();
    await until(page, ({ CLS = 0 }) => CLS > 0);
  });
  const { values, began, ended } = bad;
  assert.ok((values.INP ?? 0) >= 400 && (values.CLS ?? 0) > 0.01, `the page was not bad enough to tell: ${JSON.stringify(values)}`);
  for (const metric of VITALS) {
    const { value, at } = await only(metric, "/");
    same(metric, value, values[metric]);
    assert.ok(at > began - 60_000 && at <= ended, `${metric} is counted at ${new Date(at).toISOString()}`);
  }
  const load = await only("navigation.load", "/");
  same("navigation.load", load.value, values.load);
});

test("an error that nobody caught is counted once, and so is its page view", async () => {
  await view(`${shop}/checkout.html`, async (page) => {
    const thrown = page.waitForEvent("pageerror");
    await page.getByRole("button", { name: "Fail" }).click();
    assert.match((await thrown).message, /error button was pressed/);
  });
  await only("error", "/checkout");
  await only("page_view", "/checkout");
  assert.deepEqual(await asked.minutes("error", "/"), [], "the front page had no error");
});

test("what the page measures itself is in the API as the page says it", async () => {
  let said = "";
  const { values } = await view(`${shop}/assistant.html`, async (page) => {
    await page.getByRole("button", { name: "Which kite for a beginner?" }).click();
    said = await page.locator("[data-measured]", { hasText: "words a second" }).innerText();
  });
  const [first = 0, silence = 0, rate = 0] = (said.match(/\d+(\.\d+)?/g) ?? []).map(Number);
  /** Said in whole ms, and in tenths of words a second. @type {[string, number, number][]} */
  const measured = [
    ["ttft", first, 0.5],
    ["assistant.longest_stall", silence, 0.5],
    ["assistant.words_per_second", rate, 0.05],
  ];
  for (const [metric, value, rounding] of measured) {
    const { value: read } = await only(metric, "/assistant");
    assert.ok(value > 0 && Math.abs(read - value) <= value / 256 + rounding, `${metric} is ${read}, the page says: ${said}`);
  }
  // Nothing shifted, which is a value, too.
  same("CLS", (await only("CLS", "/assistant")).value, values.CLS);
});

test("three visits of a route are three, and its quantiles are the smallest and the largest of them", async () => {
  const ttfb = [];
  for (const kite of ["kestrel", "swift", "wren"]) {
    const { values } = await view(`${shop}/product.html?id=${kite}`, (page) => until(page, ({ load = 0 }) => load > 0).then(() => {}));
    ttfb.push(values.TTFB ?? Number.NaN);
  }
  await asked.minutesOf("page_view", "/product/:id", 3);
  const points = await asked.minutesOf("TTFB", "/product/:id", 3);
  const quantile = (/** @type {number} */ q) => points.map(({ quantiles }) => quantiles.find((one) => one.q === q)?.value ?? Number.NaN);
  same("TTFB", Math.min(...quantile(0)), Math.min(...ttfb));
  same("TTFB", Math.max(...quantile(1)), Math.max(...ttfb));
});

test("nothing that the browser sent was rejected or is counted twice", async () => {
  const fates = await asked.ask("outcomes", { app: "shop", from: "now-1h", to: "now" });
  assert.ok(fates.received > 0);
  assert.deepEqual(
    { ...fates, from: 0, to: 0 },
    {
      ...{ app: "shop", from: 0, to: 0, received: fates.received, accepted: fates.received, rolled_up: fates.received },
      ...{ rejected: 0, too_late: 0, duplicate: 0, reasons: [], refused: [] },
    },
  );
});

/**
 * A figure as it is shown, in the metric's unit, and half of its last digit: `1.24 s` is 1240 ± 5 ms.
 * @param {string} text
 */
function figure(text) {
  const [, digits = "", places = "", unit = ""] = /^([\d,]+(?:\.(\d+))?)\s*(ms|s)?/.exec(text.trim()) ?? [];
  const scale = unit === "s" ? 1000 : 1;
  return { value: Number(digits.replaceAll(",", "")) * scale, rounding: (0.5 * scale) / 10 ** places.length };
}

test("the dashboard shows these numbers", async () => {
  await mkdir(SCREENS, { recursive: true });
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  /** @type {string[]} */
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));

  await page.goto(`${icarus.url}/apps/shop?filter=route:/&range=1h`);
  await settled(page);
  for (const metric of VITALS) {
    const card = page.locator(".card", { has: page.locator(".name", { hasText: metric }) });
    const { value, rounding } = figure(await card.locator(".figure").innerText());
    const own = bad.values[metric] ?? Number.NaN;
    assert.ok(Math.abs(value - own) <= own / 256 + rounding, `${metric} is ${own}, its card says ${await card.innerText()}`);
    assert.match(await card.innerText(), /\bn 1\b/);
  }
  assert.ok((await pixelsDrawn(page.locator(".plot canvas"))) > 0, "the heat map is empty");
  await page.screenshot({ path: `${SCREENS}page-view-overview.png`, fullPage: true });

  await page.goto(`${icarus.url}/apps/shop/explore?metric=INP&as=heatmap&filter=route:/&range=1h`);
  await settled(page);
  const p75 = page.locator("tr", { has: page.locator("td", { hasText: /^p75$/ }) });
  const { value, rounding } = figure(await p75.locator("td").nth(1).innerText());
  const own = bad.values.INP ?? Number.NaN;
  assert.ok(Math.abs(value - own) <= own / 256 + rounding, `INP is ${own}, Explore says ${await p75.innerText()}`);
  for (const canvas of await page.locator("main canvas").all()) assert.ok((await pixelsDrawn(canvas)) > 0, "a chart is empty");
  await page.screenshot({ path: `${SCREENS}page-view-explore.png`, fullPage: true });

  assert.deepEqual(wrong, []);
  await context.close();
});
