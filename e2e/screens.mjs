// @ts-check
/**
 * Takes pictures of every page of a running Icarus that has alerts, such as the demo's, light and dark, at the width of a desk and of a
 * phone, into `screens/`: `npm run screens -- [url] [word]`. With a word only pages whose name has it. Tells how long each page took to
 * settle, and whatever went wrong in it.
 */

import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { launch, settled } from "./browser/chromium.mjs";

const FOLDER = fileURLToPath(new URL("screens/", import.meta.url));
/** A page that takes longer is told of as slow. */
const SLOW_MS = 2000;

const [url = "http://127.0.0.1:7070", word = ""] = process.argv.slice(2);
const app = "shop";

/**
 * Every page by name. Explore is asked about what the latest alert is about, with the alert's time selected.
 * @param {{ id: number, began: string, last_flagged: string, lead: { metric: string, slice: Record<string, string> } }} alert
 */
function pages({ id, began, last_flagged, lead }) {
  const { metric, slice } = lead;
  const minute = (/** @type {string} */ at) => `${at.slice(0, 16)}Z`;
  const select = `${minute(began)}..${minute(last_flagged)}`;
  /** @type {Record<string, string>} */
  const route = slice.route === undefined ? {} : { filter: `route:${slice.route}` };
  const explore = (/** @type {Record<string, string>} */ query) => `/apps/${app}/explore?${new URLSearchParams(query)}`;
  return {
    apps: "/",
    overview: `/apps/${app}`,
    "overview-hour": `/apps/${app}?range=1h`,
    "overview-weeks": `/apps/${app}?range=21d`,
    "overview-table": `/apps/${app}?view=table`,
    "explore-selected": explore({ metric, as: "heatmap", ...route, range: "6h", select }),
    "explore-weeks": explore({ metric: "LCP", as: "heatmap", range: "21d" }),
    "explore-cls": explore({ metric: "CLS", as: "heatmap", range: "24h" }),
    "explore-lines": explore({ metric: "LCP", as: "lines", range: "24h" }),
    "explore-split": explore({ metric, as: "lines", split: "browser", ...route, range: "6h" }),
    "explore-errors": explore({ metric: "error", as: "counts", range: "6h" }),
    alerts: `/apps/${app}/alerts`,
    alert: `/apps/${app}/alerts/${id}`,
    install: `/apps/${app}/install`,
  };
}

/** @param {import("playwright-core").Page} page @param {string} name @param {string} path @param {string} look */
async function take(page, name, path, look) {
  const started = Date.now();
  await page.goto(url + path);
  await settled(page);
  const took = Date.now() - started;
  if (took > SLOW_MS) process.stdout.write(`${name}-${look}: settled after ${took} ms\n`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) process.stdout.write(`${name}-${look}: ${wide} px wider than the screen\n`);
  await page.screenshot({ path: `${FOLDER}${name}-${look}.png`, fullPage: true });
}

const answer = await fetch(`${url}/api/v1/alerts?app=${app}`).catch(() => null);
if (!answer?.ok) throw new Error(`no Icarus with the app ${app} answers at ${url}: \`make demo\` starts one`);
const [alert] = (await answer.json()).alerts;
if (alert === undefined) throw new Error("there is no alert yet: the demo's comes about four minutes after its start");

const chosen = Object.entries(pages(alert)).filter(([name]) => name.includes(word));
await mkdir(FOLDER, { recursive: true });
const browser = await launch();
for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  for (const width of [1440, 390]) {
    const phone = width === 390;
    const viewport = { width, height: phone ? 844 : 1000 };
    const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor: phone ? 2 : 1 });
    const page = await context.newPage();
    const tell = (/** @type {string} */ what) => process.stdout.write(`${page.url()}: ${what}\n`);
    page.on("pageerror", (error) => tell(error.stack ?? error.message));
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && tell(message.text()));
    page.on("response", (response) => response.status() >= 400 && tell(`${response.status()} for ${response.url()}`));
    for (const [name, path] of chosen) await take(page, name, path, `${colorScheme}-${width}`);
    await context.close();
  }
}
await browser.close();
process.stdout.write(`${chosen.length * 4} pictures in ${FOLDER}\n`);
