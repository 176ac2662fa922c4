// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { settled } from "../chromium.mjs";
import { content, drawn, pinned, plain, query, stage } from "./stage.mjs";

const { visit, api } = stage();

test("what the sentence leaves open is written into the URL, without a step in the history", async () => {
  await visit("/apps/shop/explore", async (page) => {
    assert.equal(page.url().split("/apps/")[1], "shop/explore?metric=LCP&as=heatmap&range=24h");
    assert.equal(await page.evaluate(() => history.length), 2);
  });
});

test("a permalink shows again what was seen, to the letter", async () => {
  const { code, part } = pinned();
  const path = `/apps/shop/explore?metric=INP&as=heatmap&filter=route:/search&filter=route:/checkout&range=${code}&select=${part(36_000, 50_400)}&by=browser,device`;
  await visit(path, async (page) => {
    const [before, url] = [await content(page), page.url()];
    assert.match(before, /INP as a heat map for route \/search or \/checkout/);
    await page.reload();
    await settled(page);
    assert.equal(await content(page), before);
    assert.equal(page.url(), url);
  });
});

test("a selection by mouse is drawn against the rest, with the API's own count", async () => {
  const { code } = pinned();
  await visit(`/apps/shop/explore?metric=LCP&as=heatmap&range=${code}`, async (page) => {
    const area = await page.locator(".plot-area").first().boundingBox();
    assert.ok(area !== null);
    await page.mouse.move(area.x + area.width * 0.25 + 2, area.y + 100);
    await page.mouse.down();
    await page.mouse.move(area.x + area.width * 0.5 - 2, area.y + 120, { steps: 4 });
    assert.equal(await page.locator(".chosen").count(), 1);
    await page.mouse.up();
    await page.getByText("the selected time against the rest").waitFor();
    await settled(page);
    const [from, to] = (query(page).get("select") ?? "").split("..");
    assert.equal((Date.parse(to ?? "") - Date.parse(from ?? "")) / 1000, 6 * 3600);
    const { n } = await api(`histogram?app=shop&metric=LCP&from=${from}&to=${to}`);
    const panel = page.locator("section", { has: page.getByRole("heading", { name: "Distribution" }) });
    assert.ok((await panel.innerText()).includes(n.toLocaleString("en")), `${n} is not in the panel`);
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByText("log axis · all of this time").waitFor();
    assert.equal(query(page).get("select"), null);
    await page.goBack();
    await page.getByText("the selected time against the rest").waitFor();
  });
});

test("a chart is read and a time selected by keyboard alone, and Enter zooms to it", async () => {
  const { code } = pinned();
  await visit(`/apps/shop/explore?metric=LCP&as=heatmap&range=${code}`, async (page) => {
    const chart = page.locator(".plot-area").first();
    const said = page.locator(".plot-foot output[aria-live=polite]").first();
    await chart.focus();
    await page.keyboard.press("End");
    await page.keyboard.press("ArrowLeft");
    const first = await said.innerText();
    assert.match(first, /\d\d:\d\d–\d\d:\d\d: .* of [\d,]+/);
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    assert.notEqual(await said.innerText(), first);
    for (let i = 0; i < 5; i += 1) await page.keyboard.press("Shift+ArrowLeft");
    const [from, to] = (query(page).get("select") ?? "").split("..").map((time) => Date.parse(time) / 1000);
    assert.equal((to ?? 0) - (from ?? 0), 6 * 600);
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.searchParams.get("select") === null);
    assert.equal(
      query(page).get("range"),
      `${new Date((from ?? 0) * 1000).toISOString().slice(0, 16)}Z..${new Date((to ?? 0) * 1000).toISOString().slice(0, 16)}Z`,
    );
  });
});

test("a filter is found, set and removed by keyboard alone", async () => {
  await visit("/apps/shop/explore?metric=LCP&as=heatmap&range=6h", async (page) => {
    await page.getByRole("button", { name: "+ filter" }).focus();
    await page.keyboard.press("Enter");
    await page.locator("[role=option]").first().waitFor();
    await page.keyboard.type("mobile saf");
    await page.keyboard.press("Enter");
    const chip = page.locator(".chip", { hasText: "browser Mobile Safari" });
    await chip.waitFor();
    assert.deepEqual(query(page).getAll("filter"), ["browser:Mobile Safari"]);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "+ filter");
    await chip.getByRole("link").focus();
    await page.keyboard.press("Enter");
    await chip.waitFor({ state: "detached" });
    assert.deepEqual(query(page).getAll("filter"), []);
  });
});

test("Escape closes a picker, changes nothing, and gives the focus back", async () => {
  await visit("/apps/shop/explore?metric=LCP&as=heatmap&range=6h", async (page) => {
    const url = page.url();
    await page.getByRole("button", { name: "metric: LCP" }).click();
    await page.keyboard.type("inp");
    await page.keyboard.press("Escape");
    assert.equal(await page.getByRole("dialog").count(), 0);
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "metric: LCP");
    assert.equal(page.url(), url);
  });
});

test("a click on a row of a breakdown filters, and the next click on it removes the filter", async () => {
  await visit("/apps/shop/explore?metric=LCP&as=heatmap&range=6h&by=country", async (page) => {
    await page.getByRole("link", { name: /^BR/ }).click();
    await page.locator(".chip", { hasText: "country BR" }).waitFor();
    assert.deepEqual(query(page).getAll("filter"), ["country:BR"]);
    await page.getByRole("link", { name: /^BR/ }).click();
    await page.waitForURL((url) => !url.searchParams.has("filter"));
  });
});

test("the sentence's words change the question: metric, form, split and time", async () => {
  await visit("/apps/shop/explore?metric=LCP&as=heatmap&range=6h", async (page) => {
    const choose = async (/** @type {RegExp} */ word, /** @type {string} */ text) => {
      await page.locator("h1").getByRole("button", { name: word }).click();
      await page.getByRole("option", { name: text, exact: false }).first().click();
    };
    await choose(/^metric/, "TTFB");
    await choose(/^split by/, "browser");
    assert.equal(query(page).get("as"), "lines");
    await page.locator(".plot-end button").first().waitFor();
    assert.ok(await drawn(page.locator(".plot canvas").first()));
    assert.equal(await page.locator(".plot-end button").count(), 6);
    await choose(/^shown as/, "heat map");
    assert.equal(query(page).get("split"), null);
    await page
      .locator("h1")
      .getByRole("button", { name: /^time range/ })
      .click();
    await page.getByRole("option", { name: "Last 7 days" }).click();
    assert.equal(query(page).get("range"), "7d");
    assert.equal(query(page).get("metric"), "TTFB");
  });
});

test("what differs in a selected time is named, and a click on it filters", async () => {
  const { code, part } = pinned();
  // the mock's release is some eight hours old: the last four hours of the pinned day are after it
  await visit(
    `/apps/shop/explore?metric=LCP&as=heatmap&filter=route:/checkout&range=${code}&select=${part(72_000, 86_400)}`,
    async (page) => {
      const first = page.locator(".differs li").first();
      assert.match(plain(await first.innerText()), /^browser = Mobile Safari\s+\d\d % against \d\d % · n = .*\s+accounts for/);
      await first.getByRole("link").click();
      await page.locator(".chip", { hasText: "Mobile Safari" }).waitFor();
      assert.deepEqual(query(page).getAll("filter"), ["route:/checkout", "browser:Mobile Safari"]);
    },
  );
});

test("a counter shows counts and how many per page view, and no quantiles", async () => {
  await visit("/apps/shop/explore?metric=error&as=heatmap&range=6h", async (page) => {
    assert.equal(query(page).get("as"), "counts");
    const text = await content(page);
    assert.match(text, /per page view/);
    assert.doesNotMatch(text, /p75/);
  });
});

test("a custom time is typed and shown, and an impossible one can't be", async () => {
  await visit("/apps/shop/explore?metric=LCP&as=heatmap&range=24h", async (page) => {
    await page
      .locator("header")
      .getByRole("button", { name: /^time range/ })
      .click();
    const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
    await page.getByLabel("from").fill(`${day}T10:00`);
    await page.getByLabel("to", { exact: true }).fill(`${day}T09:00`);
    assert.equal(await page.getByRole("button", { name: "Show this time" }).isDisabled(), true);
    await page.getByLabel("to", { exact: true }).fill(`${day}T12:00`);
    await page.getByRole("button", { name: "Show this time" }).click();
    await page.waitForURL((url) => url.searchParams.get("range") === `${day}T09:00Z..${day}T11:00Z`);
  });
});

test("as a table, the charts' numbers can be read, and no chart is left", async () => {
  const { code, from, to } = pinned();
  await visit(`/apps/shop/explore?metric=LCP&as=heatmap&range=${code}`, async (page) => {
    await page.getByRole("button", { name: "View as table" }).click();
    await settled(page);
    assert.equal(await page.locator(".plot, .shape-area").count(), 0);
    const { series } = await api(`timeseries?app=shop&metric=LCP&from=${from}&to=${to}&step=600s&quantiles=0.5,0.75,0.95`);
    const last = series[0].points.at(-1);
    assert.ok((await page.locator("table").first().innerText()).includes(last.n.toLocaleString("en")));
    assert.equal(query(page).get("view"), "table");
  });
});

test("a breakdown that the API refuses says what can be asked instead", async () => {
  await visit("/apps/shop/explore?metric=LCP&as=heatmap&range=14d&filter=browser:Chrome&by=country", async (page) => {
    assert.match(await content(page), /can't be asked about together[\s\S]*route \+ browser/);
  });
});

test("a breakdown by what is not counted with the filters is picked, and says that it is estimated", async () => {
  await visit("/apps/shop/explore?metric=LCP&as=heatmap&range=6h&filter=browser:Chrome&by=route", async (page) => {
    assert.doesNotMatch(await content(page), /estimated/);
    await page.getByRole("button", { name: "break down by route" }).click();
    await page.getByRole("option", { name: /country.*estimated with these filters/ }).click();
    await page.locator(".panel", { hasText: "By country" }).getByText("estimated from samples").waitFor();
    assert.match(await page.locator(".panel", { has: page.locator(".plot") }).innerText(), /n = [\d,]+/);
  });
});

test("an unknown metric is not a blank page", async () => {
  await visit("/apps/shop/explore?metric=LPC", async (page) => {
    assert.match(await content(page), /no metric called LPC/);
    await page.getByRole("link", { name: "LCP", exact: true }).click();
    await page.locator(".plot").waitFor();
  });
});

test("back and forward go through the questions", async () => {
  await visit("/apps/shop", async (page) => {
    await page.getByRole("link", { name: "Explore", exact: true }).first().click();
    await page.waitForURL(/explore/);
    await page.getByRole("link", { name: "Alerts" }).first().click();
    await page.waitForURL(/alerts/);
    await page.goBack();
    await page.waitForURL(/explore/);
    await page.goBack();
    await page.waitForURL(/\/apps\/shop$/);
    await page.goForward();
    await page.locator("h1", { hasText: "Show LCP" }).waitFor();
  });
});

test("the link copied is the view's, pinned to its time where that is asked for", async () => {
  await visit("/apps/shop?filter=device:mobile&range=6h", async (page) => {
    const copy = async (/** @type {string} */ which) => {
      await page.getByRole("button", { name: "copy link" }).click();
      await page.getByRole("option", { name: which }).click();
      await page.getByText("Link copied").waitFor();
      return page.evaluate(() => navigator.clipboard.readText());
    };
    assert.equal(await copy("moves with time"), page.url());
    assert.match(await copy("exactly this time"), /\?filter=device:mobile&range=\d{4}-\d\d-\d\dT[\d:]+Z\.\.\d{4}-\d\d-\d\dT[\d:]+Z$/);
  });
});
