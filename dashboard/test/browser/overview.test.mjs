// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { settled } from "../chromium.mjs";
import { content, drawn, pinned, plain, query, stage } from "./stage.mjs";

const { visit, api } = stage();

test("the overview says in a sentence what the API's numbers say", async () => {
  const { code, from, to } = pinned();
  await visit(`/apps/shop?range=${code}`, async (page) => {
    const lcp = await api(`histogram?app=shop&metric=LCP&from=${from}&to=${to}&quantiles=0.75`);
    const sentence = plain(await page.locator("h1").innerText());
    assert.ok(sentence.startsWith(`${((lcp.ratings.good / lcp.n) * 100).toFixed(1)} % of page views`), sentence);
    assert.ok(sentence.includes(`n = ${lcp.n.toLocaleString("en")}`), sentence);
    assert.match(sentence, /points fewer than the same 24 hours a week earlier/);
    assert.match(sentence, /Most of it is \/checkout on Mobile Safari, since release 4\.12\.0/);
    const card = plain(await page.locator(".card", { hasText: "LCP" }).innerText());
    assert.ok(card.includes(`${(lcp.quantiles[0].value / 1000).toFixed(2)} s`), card);
  });
});

test("every vital has a card with its figure, rating, interval, count and coverage", async () => {
  await visit("/apps/shop", async (page) => {
    for (const name of ["LCP", "INP", "CLS", "TTFB", "FCP"]) {
      const card = plain(await page.locator(".card", { hasText: name }).innerText());
      assert.match(card, /±[\d.]+/, card);
      assert.match(card, /(● good|▲ needs work|◆ poor)/, card);
      assert.match(card, /n [\d.]+ k/, card);
      assert.match(card, /coverage \d+ %/, card);
    }
    assert.ok(await drawn(page.locator(".plot canvas")), "the heat map is empty");
    assert.equal(await page.locator(".release-note").count(), 2);
    assert.ok((await page.locator(".plot-flags a").count()) >= 1);
  });
});

test("a drag over the heat map goes on in Explore, with the time selected", async () => {
  await visit("/apps/shop", async (page) => {
    const area = await page.locator(".plot-area").boundingBox();
    assert.ok(area !== null);
    await page.mouse.move(area.x + area.width * 0.7, area.y + 50);
    await page.mouse.down();
    await page.mouse.move(area.x + area.width * 0.8, area.y + 60, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/\/explore\?/);
    assert.equal(query(page).get("metric"), "LCP");
    assert.match(query(page).get("select") ?? "", /^\d{4}-.*\.\.\d{4}-/);
  });
});

test("a route's row leads to Explore with that route", async () => {
  await visit("/apps/shop?filter=device:mobile", async (page) => {
    await page.locator("td").getByRole("link", { name: "/search" }).click();
    await page.waitForURL(/\/explore\?/);
    await settled(page);
    assert.deepEqual(query(page).getAll("filter"), ["device:mobile", "route:/search"]);
    assert.match(await page.locator("h1").innerText(), /device mobile and route \/search/);
  });
});

test("a route with HTML in its name is shown as text", async () => {
  await visit("/apps/shop/explore?metric=LCP&by=route", async (page) => {
    await page.getByRole("button", { name: /Show all/ }).click();
    const cell = page.locator("td.cell-name", { hasText: "/help/<b>delivery</b>" });
    await cell.waitFor();
    assert.equal(await cell.locator("b").count(), 0);
  });
});

test("an app without a beacon says what to do, one with few says so, one in trouble gives the server's hint", async () => {
  await visit("/apps/fresh", async (page) => {
    assert.match(await content(page), /No beacon has arrived yet[\s\S]*<script src=.*data-app="fresh"/);
  });
  await visit("/apps/trial?range=6h", async (page) => assert.match(await page.locator("h1").innerText(), /^Not enough page views to say/));
  await visit("/apps/broken", async (page) => {
    assert.match(await content(page), /The store doesn't answer\. It may be starting: try again in some seconds\./);
    await page.getByRole("button", { name: "Try again" }).waitFor();
  });
});

test("filters that are not counted together are estimated, and every count says so", async () => {
  await visit("/apps/shop?filter=plan:pro&filter=route:/checkout", async (page) => {
    assert.match(await page.locator("h1").innerText(), /n ≈ [\d,]+, estimated from [\d,]+ samples/);
    for (const name of ["LCP", "INP", "CLS", "TTFB", "FCP"])
      assert.match(plain(await page.locator(".card", { hasText: name }).innerText()), /n ≈ [\d.]+/);
    assert.match(await page.locator(".panel", { has: page.locator(".plot") }).innerText(), /n ≈ [\d,]+, estimated from/);
    assert.match(await page.locator("footer").innerText(), /estimated from samples/);
    await page.getByRole("link", { name: "remove the filter on plan" }).click();
    await page.locator("h1", { hasText: "n = " }).waitFor();
    assert.match(await page.locator("footer").innerText(), /rollups of all users/);
  });
});

test("filters that can't be asked about together for so long are explained, with a way out", async () => {
  await visit("/apps/shop?filter=plan:pro&filter=route:/checkout&range=14d", async (page) => {
    assert.match(await content(page), /can't be asked about together[\s\S]*samples are kept for 8 days[\s\S]*device \+ plan/);
    await page.getByRole("link", { name: "Without plan pro" }).click();
    await page.locator(".card").first().waitFor();
    assert.deepEqual(query(page).getAll("filter"), ["route:/checkout"]);
  });
});

test("Install has the app's key in every example and says why beacons were refused", async () => {
  await visit("/apps/shop/install", async (page) => {
    await page.locator(".snippet").first().waitFor();
    for (const snippet of await page.locator(".snippet").allInnerTexts()) assert.match(snippet, /pk_shop/);
    const { reasons, refused } = await api("outcomes?app=shop&from=now-24h&to=now");
    const shown = await content(page);
    for (const { reason, count } of [...reasons, ...refused]) {
      assert.ok(shown.includes(reason.replaceAll("_", " ")) && shown.includes(count.toLocaleString("en")), reason);
    }
  });
});

test("an alert's page says what, since when, and against whom, and leads to Explore with its exact slice", async () => {
  await visit("/apps/shop/alerts", async (page) => {
    await page
      .locator("li")
      .getByRole("link", { name: /LCP is 122 % slower for route \/checkout, browser Mobile Safari$/ })
      .click();
    await page.waitForURL(/\/alerts\/2$/);
    await settled(page);
    assert.match(plain(await page.locator("h1").innerText()), /typical value 1\.94 s → 4\.31 s.*It began 2 min after release 4\.12\.0/);
    const text = await content(page);
    assert.match(text, /everyone else/);
    assert.match(text, /pending nobody was to be told[\s\S]*firing ✓ webhook told/);
    await page.getByRole("button", { name: "View as table" }).click();
    assert.match(
      plain(await page.locator("table").first().innerText()),
      /from\s+everyone else\s+n\s+\/checkout, Mobile Safari\s+n[\s\S]*\d\.\d\d s \([\d.]+ s–/,
    );
    assert.equal(await page.locator(".plot, .shape-area").count(), 0);
    await page.getByRole("button", { name: "View as charts" }).click();
    await page.getByRole("link", { name: /^Explore LCP/ }).click();
    await page.waitForURL(/\/explore\?/);
    assert.deepEqual(query(page).getAll("filter"), ["route:/checkout", "browser:Mobile Safari"]);
    assert.notEqual(query(page).get("select"), null);
  });
});
