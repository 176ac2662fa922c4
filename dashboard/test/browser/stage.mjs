// @ts-check
/** A server with mock answers, a browser, and pages that fail their test when the page itself fails. */

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { faults } from "../../mock/handler.mjs";
import { serve } from "../../mock/server.mjs";
import { launch, settled } from "../chromium.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** Opens pages for the tests of one file. */
export function stage() {
  /** @type {Awaited<ReturnType<typeof serve>>} */
  let server;
  /** @type {Awaited<ReturnType<typeof launch>>} */
  let browser;
  before(async () => {
    server = await serve();
    browser = await launch();
  });
  after(async () => {
    await browser.close();
    await server.stop();
  });

  /**
   * Runs `act` on a page that shows `path`. Errors thrown in the page, and breaches of its policy of content, fail.
   * @param {string} path @param {(page: Page) => Promise<void>} act @param {import("playwright-core").BrowserContextOptions} [options]
   */
  async function visit(path, act, options = {}) {
    const context = await browser.newContext({
      viewport: { width: 1440, height: 1000 },
      timezoneId: "Europe/Berlin",
      reducedMotion: "reduce",
      permissions: ["clipboard-read", "clipboard-write"],
      ...options,
    });
    const page = await context.newPage();
    /** @type {string[]} */
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(error.stack ?? error.message));
    page.on(
      "console",
      (message) => message.type() === "error" && !message.text().includes("Failed to load resource") && wrong.push(message.text()),
    );
    try {
      await page.goto(server.url + path);
      await settled(page);
      await act(page);
      assert.deepEqual(wrong, []);
    } finally {
      Object.assign(faults, { down: false, only: "" });
      await context.close();
    }
  }
  /** Asks the mock API itself. @param {string} question */
  const api = async (question) => (await fetch(`${server.url}/api/v1/${question}`)).json();
  return { visit, api };
}

/** A pinned range, so that two looks at it see the same: 24 hours that end at the last full hour. */
export function pinned() {
  const to = Math.floor(Date.now() / 3_600_000) * 3600;
  const code = (/** @type {number} */ seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;
  return {
    from: to - 86_400,
    to,
    code: `${code(to - 86_400)}..${code(to)}`,
    part: (/** @type {number} */ a, /** @type {number} */ b) => `${code(to - 86_400 + a)}..${code(to - 86_400 + b)}`,
  };
}

/** The text of the page's content. @param {Page} page */
export const content = (page) => page.locator("main").innerText();

/** The query of where the page is. @param {Page} page */
export const query = (page) => new URL(page.url()).searchParams;

/** With plain spaces. @param {string} text */
export const plain = (text) => text.replaceAll("\u00a0", " ");

/**
 * Whether a canvas has anything drawn on it.
 * @param {import("playwright-core").Locator} canvas
 */
export const drawn = (canvas) =>
  canvas.evaluate((/** @type {HTMLCanvasElement} */ element) => {
    const pixels = element.getContext("2d")?.getImageData(0, 0, element.width, element.height).data ?? [];
    return pixels.some((value) => value !== 0);
  });
