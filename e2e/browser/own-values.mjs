// @ts-check
/**
 * The browser's own values of a page view: read from its performance entries here, by the definitions of the vitals
 * (https://web.dev/articles/vitals), and not by the library that is in the SDK.
 */

/**
 * What the browser says; what did not happen is missing.
 * @typedef {{ LCP?: number, CLS?: number, INP?: number, FCP?: number, TTFB?: number, load?: number }} Values
 */

/** Runs in the page, before any script of its own: `window.ownValues()` reads, `window.tellOwnValues` is called when the page is left. */
function watch() {
  /** @type {Values} */
  const values = {};
  /** Shifts less than a second apart, and all within five, are one; the worst of these counts. */
  let session = { first: -Infinity, last: -Infinity, sum: 0 };
  /** The longest event of each interaction. @type {Map<number, number>} */
  const interactions = new Map();
  values.CLS = 0;

  /** @param {any} entry */
  const take = (entry) => {
    switch (entry.entryType) {
      case "largest-contentful-paint":
        values.LCP = entry.startTime;
        break;
      case "paint":
        if (entry.name === "first-contentful-paint") values.FCP = entry.startTime;
        break;
      case "layout-shift":
        if (entry.hadRecentInput) break;
        if (entry.startTime - session.last >= 1000 || entry.startTime - session.first >= 5000) {
          session = { first: entry.startTime, last: entry.startTime, sum: 0 };
        }
        session.last = entry.startTime;
        session.sum += entry.value;
        values.CLS = Math.max(values.CLS ?? 0, session.sum);
        break;
      default:
        if (!entry.interactionId) break;
        interactions.set(entry.interactionId, Math.max(interactions.get(entry.interactionId) ?? 0, entry.duration));
        // Fewer than fifty of them: the worst one.
        values.INP = Math.max(...interactions.values());
    }
  };
  const observers = ["largest-contentful-paint", "paint", "layout-shift", "event", "first-input"].map((type) => {
    const observer = new PerformanceObserver((list) => list.getEntries().forEach(take));
    observer.observe(/** @type {any} */ ({ type, buffered: true, durationThreshold: 40 }));
    return observer;
  });
  const read = () => {
    for (const observer of observers) observer.takeRecords().forEach(take);
    const [navigation] = /** @type {any} */ (performance.getEntriesByType("navigation"));
    return { ...values, TTFB: navigation.responseStart, load: navigation.loadEventStart };
  };
  const page = /** @type {any} */ (window);
  page.ownValues = read;
  addEventListener("visibilitychange", () => document.visibilityState === "hidden" && page.tellOwnValues(read()), true);
}

/**
 * Opens pages in `context` that keep the browser's own values.
 * @param {import("playwright-core").BrowserContext} context
 */
export async function watching(context) {
  /** @type {Map<import("playwright-core").Page, (values: Values) => void>} */
  const told = new Map();
  await context.exposeBinding("tellOwnValues", ({ page }, values) => told.get(page)?.(values));
  await context.addInitScript(watch);

  /**
   * A page view from its first byte to its end: opens `url`, does `act`, closes the page. Answers with what the browser said as it
   * was left, and with when it was there.
   * @param {string} url @param {(page: import("playwright-core").Page) => Promise<void>} act
   */
  return async function view(url, act) {
    const page = await context.newPage();
    /** @type {Promise<Values>} */
    const values = new Promise((resolve) => told.set(page, resolve));
    const began = Date.now();
    await page.goto(url);
    await act(page);
    const closed = page.waitForEvent("close");
    await page.close({ runBeforeUnload: true });
    await closed;
    return { values: await values, began, ended: Date.now() };
  };
}

/**
 * Resolves once the page's own values pass `test`, which runs in the page.
 * @param {import("playwright-core").Page} page @param {(values: Values) => boolean} test
 */
export const until = (page, test) => page.waitForFunction(`(${test})(window.ownValues())`);
