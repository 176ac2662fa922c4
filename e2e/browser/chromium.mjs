// @ts-check
/** The browser of the dashboard's tests, and what tests on real pages need of it besides. */

export { launch, settled } from "../../dashboard/test/chromium.mjs";

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
