import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const DIST = new URL("../dist/", import.meta.url);
const files = () => {
  if (!existsSync(DIST)) throw new Error("there is no dist/: run `npm run build` first");
  return readdirSync(DIST, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
};

/** Bytes after `gzip -9`, of everything that is served. */
const BUDGET = 90_000;

test("all that is served stays within the budget", () => {
  const size = files().reduce((sum, path) => sum + gzipSync(readFileSync(path), { level: 9 }).length, 0);
  process.stdout.write(`dist/ has ${size} bytes gzipped, of ${BUDGET}\n`);
  expect(size).toBeLessThan(BUDGET);
});

test("nothing of the mock, and nothing from elsewhere, is in it", () => {
  for (const path of files()) {
    const text = readFileSync(path, "utf8");
    expect(text.includes("AS28573"), path).toBe(false);
    const hosts = [...text.matchAll(/https?:\/\/([\w.-]+)/g)]
      .map(([, host]) => host)
      .filter((host) => host !== "www.w3.org" && host !== "shop.example");
    expect(hosts, path).toEqual([]);
  }
});

test("the page runs under a strict policy of content: no inline script, no eval", () => {
  const page = readFileSync(new URL("index.html", DIST), "utf8");
  expect(page.match(/<script(?![^>]*\bsrc=)/)).toBeNull();
  expect(page).toMatch(/src="\/assets\/[\w-]+\.js"/);
  for (const path of files().filter((name) => name.endsWith(".js")))
    expect(readFileSync(path, "utf8")).not.toMatch(/\beval\(|new Function\(/);
});
