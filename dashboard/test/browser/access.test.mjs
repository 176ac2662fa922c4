// @ts-check
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { stage } from "./stage.mjs";

const { visit } = stage();
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const PAGES = [
  "/",
  "/apps/shop",
  "/apps/shop?view=table",
  "/apps/fresh",
  "/apps/broken",
  "/apps/shop?filter=plan:pro&filter=route:/checkout",
  "/apps/shop/explore?metric=LCP&as=heatmap&filter=route:/checkout",
  "/apps/shop/explore?metric=CLS&as=lines&split=browser",
  "/apps/shop/explore?metric=error&as=counts",
  "/apps/shop/alerts",
  "/apps/shop/alerts/2",
  "/apps/shop/alerts/2?view=table",
  "/apps/shop/alerts/3",
  "/apps/shop/install",
  "/apps/nowhere",
];

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`no page has a fault that axe finds, ${colorScheme}`, async () => {
    for (const path of PAGES) {
      await visit(
        path,
        async (page) => {
          await page.evaluate(axe);
          const violations = await page.evaluate(async () => {
            // @ts-expect-error axe puts itself there
            const { violations: found } = await globalThis.axe.run();
            return found.map(
              (/** @type {any} */ rule) =>
                `${rule.id}: ${rule.nodes
                  .map((/** @type {any} */ node) => node.html)
                  .slice(0, 3)
                  .join(" ")}`,
            );
          });
          assert.deepEqual(violations, [], path);
        },
        { colorScheme },
      );
    }
  });
}

test("nothing is wider than a phone", async () => {
  for (const path of PAGES) {
    await visit(
      path,
      async (page) => {
        const beyond = await page.evaluate(() => {
          const width = document.documentElement.clientWidth;
          const scrolls = (/** @type {Element | null} */ element) => element !== null && getComputedStyle(element).overflowX !== "visible";
          return [...document.querySelectorAll("body *")]
            .filter((element) => {
              const { right, width: own } = element.getBoundingClientRect();
              if (own === 0 || right <= width + 0.5 || element.closest(".spoken") !== null) return false;
              // what scrolls within its own box may be as wide as it likes
              for (let up = element.parentElement; up !== null && up !== document.body; up = up.parentElement)
                if (scrolls(up)) return false;
              return true;
            })
            .map((element) => element.outerHTML.slice(0, 120));
        });
        assert.deepEqual(beyond, [], path);
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0, path);
      },
      { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    );
  }
});

test("the first stop of the Tab key skips to the content", async () => {
  await visit("/apps/shop", async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
  });
});

test("every stop of the Tab key can be seen to have the focus, and has a name", async () => {
  await visit("/apps/shop/explore?metric=LCP&as=heatmap&filter=route:/checkout", async (page) => {
    const stops = new Set();
    for (let i = 0; i < 80; i += 1) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate(() => {
        const element = document.activeElement;
        if (element === null || element === document.body) return null;
        const ring = (/** @type {string | null} */ pseudo) => {
          const style = getComputedStyle(element, pseudo);
          return style.outlineStyle !== "none" && Number.parseFloat(style.outlineWidth) > 0;
        };
        return {
          html: element.outerHTML.slice(0, 100),
          seen: ring(null) || ring("::after"),
          named: (element.getAttribute("aria-label") ?? element.textContent ?? "").trim() !== "",
        };
      });
      if (stop === null) break;
      assert.ok(stop.seen, `no focus ring: ${stop.html}`);
      assert.ok(stop.named, `no name: ${stop.html}`);
      stops.add(stop.html);
    }
    assert.ok(stops.size > 25, `only ${stops.size} stops`);
  });
});
