// @ts-check
/** Debian's Chromium, driven by playwright-core. `CHROMIUM` names another one. */

import { chromium } from "playwright-core";

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/**
 * What the browser calls itself, without the word that it is driven by a program: Icarus rejects robots.
 * @param {import("playwright-core").Browser} browser
 */
export async function userAgent(browser) {
  const page = await browser.newPage();
  const name = await page.evaluate(() => navigator.userAgent);
  await page.close();
  return name.replace("HeadlessChrome", "Chrome");
}

/**
 * Resolves when a page of the dashboard has settled: no panel waits for an answer any more.
 * @param {import("playwright-core").Page} page
 */
export async function settled(page) {
  const waiting = page.locator("[aria-busy=true]");
  await page.locator("h1").first().waitFor();
  await page.waitForLoadState("networkidle");
  while ((await waiting.count()) > 0) await waiting.first().waitFor({ state: "detached" });
}

/**
 * How many pixels of a canvas are drawn on.
 * @param {import("playwright-core").Locator} canvas
 */
export const pixelsDrawn = (canvas) =>
  canvas.evaluate((element) => {
    const { width, height } = /** @type {HTMLCanvasElement} */ (element);
    const context = /** @type {HTMLCanvasElement} */ (element).getContext("2d");
    const pixels = context?.getImageData(0, 0, width, height).data ?? [];
    let drawn = 0;
    for (let alpha = 3; alpha < pixels.length; alpha += 4) if (pixels[alpha] !== 0) drawn += 1;
    return drawn;
  });
