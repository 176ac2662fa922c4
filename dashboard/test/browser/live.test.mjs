// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { faults } from "../../mock/handler.mjs";
import { settled } from "../chromium.mjs";
import { content, stage } from "./stage.mjs";

const { visit } = stage();

/** Counts the page's questions by path. @param {import("playwright-core").Page} page */
function counting(page) {
  const asked = { n: 0 };
  page.on("request", (request) => {
    if (request.url().includes("/api/v1/")) asked.n += 1;
  });
  return asked;
}

/** Reloads with a clock that can be moved on. @param {import("playwright-core").Page} page */
async function ownClock(page) {
  await page.clock.install();
  await page.reload();
  await settled(page);
}

test("a view that ends now is asked again after ten seconds, in place", async () => {
  await visit("/apps/shop?range=1h", async (page) => {
    await ownClock(page);
    const asked = counting(page);
    const canvas = await page.locator(".plot canvas").elementHandle();
    const height = await page.evaluate(() => document.body.scrollHeight);
    // bones would be an element that is busy; none may come
    await page.evaluate(() => {
      new MutationObserver(() => {
        if (document.querySelector(".bone") !== null) document.body.dataset.blinked = "yes";
      }).observe(document.body, { childList: true, subtree: true });
    });
    const answered = page.waitForResponse((response) => response.url().includes("/heatmap"));
    await page.clock.runFor(11_000);
    await answered;
    await settled(page);
    assert.ok(asked.n >= 10, `${asked.n} questions`);
    assert.equal(await canvas?.evaluate((element) => element.isConnected), true);
    assert.equal(await page.evaluate(() => document.body.dataset.blinked), undefined);
    assert.equal(await page.evaluate(() => document.body.scrollHeight), height);
  });
});

test("a paused view is left alone, and asked again at once when it goes on", async () => {
  await visit("/apps/shop?range=1h", async (page) => {
    await ownClock(page);
    await page.getByRole("button", { name: "stop refreshing" }).click();
    const asked = counting(page);
    await page.clock.runFor(60_000);
    assert.equal(asked.n, 0);
    const answered = page.waitForResponse((response) => response.url().includes("/heatmap"));
    await page.getByRole("button", { name: "go on refreshing" }).click();
    await answered;
  });
});

test("a tab that nobody sees asks nothing, and asks when it is seen again", async () => {
  await visit("/apps/shop?range=1h", async (page) => {
    await ownClock(page);
    const asked = counting(page);
    const show = (/** @type {boolean} */ hidden) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await show(true);
    await page.clock.runFor(60_000);
    assert.equal(asked.n, 0);
    const answered = page.waitForResponse((response) => response.url().includes("/heatmap"));
    await show(false);
    await answered;
  });
});

test("a fixed time is not asked about again, only what is open now", async () => {
  await visit("/apps/shop?range=2026-11-01T00:00Z..2026-11-02T00:00Z", async (page) => {
    await ownClock(page);
    /** @type {string[]} */
    const paths = [];
    page.on("request", (request) => paths.push(new URL(request.url()).pathname));
    const answered = page.waitForResponse((response) => response.url().includes("/apps"));
    await page.clock.runFor(11_000);
    await answered;
    await settled(page);
    assert.deepEqual(
      [...new Set(paths)].filter((path) => !/\/(apps|alerts|metrics)$/.test(path)),
      [],
    );
  });
});

test("when the server fails for a while, what was there stays, and then goes on", async () => {
  await visit("/apps/shop?range=1h", async (page) => {
    await ownClock(page);
    const before = (await content(page)).slice(0, 40);
    faults.down = true;
    const failed = page.waitForResponse((response) => response.status() === 503);
    await page.clock.runFor(11_000);
    await failed;
    await settled(page);
    assert.equal((await content(page)).slice(0, 40), before);
    assert.equal(await page.getByRole("alert").count(), 0);
  });
});

test("when the server fails at first, its hint is shown, and a retry brings the page", async () => {
  await visit("/apps/shop", async (page) => {
    // only what the page stands on fails, so that the header is there to stop the refreshing, which would retry by itself
    faults.only = "metrics";
    await page.reload();
    await page.getByRole("alert").first().waitFor();
    assert.match(await content(page), /It may be starting: try again in some seconds/);
    await page.getByRole("button", { name: "stop refreshing" }).click();
    faults.only = "";
    await page.getByRole("button", { name: "Try again" }).first().click();
    await page.locator(".card").first().waitFor();
  });
});

test("when the server can't be reached at all, the page says so and what was there stays", async () => {
  await visit("/apps/shop?range=1h", async (page) => {
    await ownClock(page);
    await page.route("**/api/**", (route) => route.abort());
    const failed = page.waitForEvent("requestfailed");
    await page.clock.runFor(11_000);
    await failed;
    await page.locator(".live", { hasText: "server out of reach" }).waitFor();
    assert.ok((await page.locator(".card").count()) === 5);
  });
});

test("the theme is switched, drawn anew, and remembered", async () => {
  await visit(
    "/apps/shop",
    async (page) => {
      const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
      const colours = () => page.locator(".plot canvas").evaluate((/** @type {HTMLCanvasElement} */ canvas) => canvas.toDataURL());
      assert.equal(await theme(), "light");
      const light = await colours();
      await page.getByRole("button", { name: /^theme: system/ }).click();
      await page.getByRole("button", { name: /^theme: light/ }).click();
      assert.equal(await theme(), "dark");
      assert.notEqual(await colours(), light);
      await page.reload();
      assert.equal(await theme(), "dark");
    },
    { colorScheme: "light" },
  );
});
