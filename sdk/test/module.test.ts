import { build } from "esbuild";
import { expect, test } from "vitest";

import type { Icarus, Options } from "../src/api.js";
import { Page } from "./page.js";

/** The package as an app's bundler takes it in, web-vitals included. */
const bundled = await build({
  stdin: { contents: 'export * from "./dist/index.mjs"', resolveDir: new URL("..", import.meta.url).pathname },
  bundle: true,
  write: false,
  format: "iife",
  globalName: "rum",
});
const OPTIONS: Options = { app: "shop", key: "pk", endpoint: "/v1/beacons", release: "7", route: "/cart" };

async function start(
  options: Partial<Options> = OPTIONS,
): Promise<Page & { rum: { init(options: unknown): Icarus }; calls: Icarus }> {
  const page = await Page.open({ tag: null });
  page.window.eval(bundled.outputFiles[0]!.text);
  const { rum } = page.window as unknown as { rum: { init(options: unknown): Icarus } };
  return Object.assign(page, { rum, calls: rum.init(options) });
}

test("init measures as the tag does, and returns the calls", async () => {
  const page = await start();
  page.calls.measure("ttft", 412, "ms");
  await page.pass(100);
  await page.hide();
  expect(page.sent).toMatchObject([
    { url: "https://shop.example/v1/beacons", beacon: { app: "shop", key: "pk", release: "7", page: { route: "/cart" } } },
  ]);
  expect(page.events().map(({ metric }) => metric)).toEqual(
    expect.arrayContaining(["ttft", "TTFB", "page_view", "navigation.load"]),
  );
  expect(page.window).not.toHaveProperty("icarus");
});

test("a second init returns what the first did, and nothing is counted twice", async () => {
  const page = await start();
  expect(page.rum.init({ ...OPTIONS, app: "other" })).toBe(page.calls);
  await page.hide();
  expect(page.values("page_view")).toEqual([1]);
  expect(page.warnings).toHaveLength(1);
});

test("init says which options are missing, and a later one with all of them starts", async () => {
  const page = await start({ app: "shop" });
  page.calls.measure("lost", 1);
  page.rum.init(undefined);
  expect(page.warnings[0]).toContain("key,endpoint");
  page.rum.init(OPTIONS).measure("kept", 1);
  await page.hide();
  expect(page.events().map(({ metric }) => metric)).toContain("kept");
  expect(page.events("lost")).toEqual([]);
  expect(page.uncaught).toEqual([]);
});

test("on a server, where there is no page, init does nothing and its calls can be made", async () => {
  // The file that was built, not a source that the type check would look for.
  const { init } = (await import(new URL("../dist/index.mjs", import.meta.url).href)) as { init(options: Options): Icarus };
  const icarus = init(OPTIONS);
  icarus.measure("ttft", 1);
  icarus.setRoute("/");
  icarus.error(new Error("x"));
  icarus.flush();
  expect(globalThis).not.toHaveProperty("icarus");
});
