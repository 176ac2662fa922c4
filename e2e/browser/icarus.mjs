// @ts-check
/** The real thing: `icarus serve` as a process of its own, on a free port, over an empty folder; and questions to its API. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const BINARY = process.env.ICARUS_BIN ?? fileURLToPath(new URL("../../target/debug/icarus", import.meta.url));
/** What is sent shows in the API after one flush, by default a second; this long is a failure. */
const PATIENCE_MS = 15_000;
const POLL_MS = 50;

/** @param {string} site the only origin whose pages may send */
const config = (site) => `
[server]
listen = "127.0.0.1:0"
[logging]
format = "json"
[apps.shop]
key = "pk_demo_shop"
origins = ["${site}"]
dimensions = ["plan"]
`;

/**
 * Starts it for the pages of the origin `site`.
 * @param {string} site
 */
export async function serveIcarus(site) {
  assert.ok(existsSync(BINARY), `there is no ${BINARY}: \`make test-browser\` builds it, and ICARUS_BIN names another`);
  const folder = await mkdtemp(join(tmpdir(), "icarus-e2e-"));
  await writeFile(join(folder, "icarus.toml"), config(site));
  const args = ["serve", "--config", join(folder, "icarus.toml"), "--data-dir", join(folder, "data")];
  // ICARUS_* in the environment would be its configuration.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ICARUS_")));
  const server = spawn(BINARY, args, { env, stdio: ["ignore", "inherit", "pipe"] });
  const exit = once(server, "exit");

  /** @type {string[]} */
  const log = [];
  const lines = createInterface({ input: server.stderr });
  const address = await new Promise((resolve, reject) => {
    lines.on("line", (line) => {
      log.push(line);
      const { message, address } = line.startsWith("{") ? JSON.parse(line) : {};
      if (message === "icarus serves") resolve(address);
    });
    exit.then(() => reject(new Error(`icarus could not start:\n${log.join("\n")}`)), reject);
  });

  return {
    url: `http://${address}`,
    /** Asks it to stop, as an operator does, and checks that it ends well. */
    async stop() {
      server.kill("SIGTERM");
      const [code, signal] = await exit;
      await rm(folder, { recursive: true });
      assert.deepEqual({ code, signal }, { code: 0, signal: null }, log.join("\n"));
      const troubles = log.filter((line) => /"level":"(WARN|ERROR)"/.test(line));
      assert.deepEqual(troubles, [], "it warned");
    },
  };
}

/** A port that nobody listens on. */
export async function freePort() {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (holder.address());
  holder.close();
  await once(holder, "close");
  return port;
}

/** @typedef {{ q: number, value: number }} Quantile */
/** @typedef {{ at: string, n: number, quantiles: Quantile[] }} Point */

/**
 * Questions to the API of the Icarus at `url`.
 * @param {string} url
 */
export function api(url) {
  /** @param {string} path @param {Record<string, string>} question @returns {Promise<any>} */
  async function ask(path, question) {
    const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(question)}`);
    const body = await answer.json();
    // An app without a beacon, and a metric that nobody has sent yet, are not known.
    if (answer.status === 404) return null;
    assert.ok(answer.ok, JSON.stringify(body));
    return body;
  }

  /**
   * The minutes of the last hour in which pages of `route` sent `metric`.
   * @param {string} metric @param {string} route @param {string} [quantiles] @returns {Promise<Point[]>}
   */
  async function minutes(metric, route, quantiles = "0,0.5,1") {
    const question = { app: "shop", metric, filter: `route:${route}`, from: "now-1h", to: "now", step: "1m", quantiles };
    return (await ask("timeseries", question))?.series[0]?.points ?? [];
  }

  /**
   * The same once it holds `n` values. More are a failure, as are fewer for too long.
   * @param {string} metric @param {string} route @param {number} n
   */
  async function minutesOf(metric, route, n) {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const points = await minutes(metric, route);
      const found = points.reduce((sum, point) => sum + point.n, 0);
      if (found === n) return points;
      assert.ok(found < n && Date.now() < deadline, `${found} values of ${metric} for ${route}, not ${n}`);
      await pause(POLL_MS);
    }
  }
  return { ask, minutes, minutesOf };
}
