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
 * Resolves when the page has settled: no panel waits for an answer any more.
 * @param {import("playwright-core").Page} page
 */
export async function settled(page) {
  const waiting = page.locator("[aria-busy=true]");
  await page.locator("h1").first().waitFor();
  await page.waitForLoadState("networkidle");
  while ((await waiting.count()) > 0) await waiting.first().waitFor({ state: "detached" });
}
