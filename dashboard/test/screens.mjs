// @ts-check
/**
 * Takes pictures of every page, light and dark, at the width of a desk and of a phone, into `screens/`:
 * `npm run build && npm run screens [word]`. With a word only pages whose name has it.
 */

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { serve } from "../mock/server.mjs";
import { launch, settled } from "./chromium.mjs";

const HOUR = 3600;
const now = Math.floor(Date.now() / 1000);
const iso = (/** @type {number} */ seconds) => `${new Date(Math.floor(seconds / 600) * 600_000).toISOString().slice(0, 16)}Z`;
const night = `${iso(now - 7 * HOUR)}..${iso(now - 3 * HOUR)}`;

/** @type {Record<string, string>} */
const PAGES = {
  apps: "/",
  overview: "/apps/shop",
  "overview-filtered": "/apps/shop?filter=device:mobile&filter=country:BR&filter=country:IN",
  "overview-hour": "/apps/shop?range=1h",
  "overview-weeks": "/apps/shop?range=21d",
  "overview-table": "/apps/shop?view=table",
  "overview-quiet": "/apps/docs",
  "overview-few": "/apps/trial?range=6h",
  "overview-empty": "/apps/fresh",
  "overview-broken": "/apps/broken",
  "overview-not-together": "/apps/shop?filter=plan:pro&filter=route:/checkout",
  explore: "/apps/shop/explore?metric=LCP&as=heatmap&filter=route:/checkout&range=24h",
  "explore-selected": `/apps/shop/explore?metric=LCP&as=heatmap&filter=route:/checkout&range=24h&select=${night}`,
  "explore-narrow": `/apps/shop/explore?metric=LCP&as=heatmap&filter=route:/checkout&filter=browser:Mobile+Safari&range=24h&select=${night}`,
  "explore-lines": "/apps/shop/explore?metric=LCP&as=lines&range=24h",
  "explore-split": "/apps/shop/explore?metric=LCP&as=lines&split=browser&filter=route:/checkout&range=24h",
  "explore-cls": "/apps/shop/explore?metric=CLS&as=heatmap&range=7d",
  "explore-errors": "/apps/shop/explore?metric=error&as=counts&range=6h",
  "explore-counts": "/apps/shop/explore?metric=LCP&as=counts&range=24h",
  "explore-table": `/apps/shop/explore?metric=LCP&as=heatmap&range=24h&view=table&select=${night}`,
  alerts: "/apps/shop/alerts",
  alert: "/apps/shop/alerts/2",
  "alert-count": "/apps/shop/alerts/3",
  "alert-over": "/apps/shop/alerts/1",
  install: "/apps/shop/install",
  lost: "/apps/nowhere",
};

const folder = fileURLToPath(new URL("../screens/", import.meta.url));
const word = process.argv[2] ?? "";
const chosen = Object.entries(PAGES).filter(([name]) => name.includes(word));
await mkdir(folder, { recursive: true });
const server = await serve();
const browser = await launch();
for (const theme of /** @type {const} */ (["light", "dark"])) {
  for (const width of [1440, 390]) {
    const context = await browser.newContext({
      viewport: { width, height: width === 390 ? 844 : 1000 },
      colorScheme: theme,
      timezoneId: "Europe/Berlin",
      deviceScaleFactor: width === 390 ? 2 : 1,
    });
    const page = await context.newPage();
    page.on("pageerror", (error) => process.stderr.write(`${page.url()}: ${error.stack ?? error.message}\n`));
    page.on(
      "console",
      (message) =>
        message.type() === "error" &&
        !message.text().includes("status of 503") &&
        process.stderr.write(`${page.url()}: ${message.text()}\n`),
    );
    for (const [name, path] of chosen) {
      await page.goto(server.url + path);
      await settled(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) process.stderr.write(`${name} at ${width}: ${wide} px wider than the screen\n`);
      await page.screenshot({ path: `${folder}${name}-${theme}-${width}.png`, fullPage: true });
    }
    await context.close();
  }
}
await browser.close();
await server.stop();
process.stdout.write(`${chosen.length * 4} pictures in ${folder}\n`);
