// Builds what is shipped: dist/icarus.js for the script tag, dist/index.mjs and its types for npm.

import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const version = (path) => JSON.parse(readFileSync(path, "utf8")).version;
const vitals = version(root + "node_modules/web-vitals/package.json");
const banner = `/* icarus-rum ${version(root + "package.json")}, Apache-2.0; holds web-vitals ${vitals}, (c) Google, Apache-2.0 */`;
const shared = { absWorkingDir: root, bundle: true, target: "es2022", logLevel: "warning" };

rmSync(root + "dist", { recursive: true, force: true });
await build({
  ...shared,
  entryPoints: ["src/tag.ts"],
  outfile: "dist/icarus.js",
  format: "iife",
  minify: true,
  banner: { js: banner },
});
// web-vitals stays outside, so that an app that has it already ships it once.
await build({ ...shared, entryPoints: ["src/index.ts"], outfile: "dist/index.mjs", format: "esm", packages: "external" });
const tsc = createRequire(import.meta.url)
  .resolve("typescript/package.json")
  .replace("package.json", "bin/tsc");
execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: root, stdio: "inherit" });
