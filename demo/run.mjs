// @ts-check
/**
 * The demo: Icarus, an imagined shop, and the traffic of the shop's imagined users.
 *
 *     node demo/run.mjs [--binary target/release/icarus] [--port 7070] [--site-port 7080] [--data demo/data]
 *
 * The first start sends three weeks of history. `traffic-until` in the data folder says how far the traffic has come: a later start
 * sends what is missing since then, and goes on.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { WEBHOOK_PATH, serveSite } from "./site.mjs";

const { values: flags } = parseArgs({
  options: {
    binary: { type: "string", default: fileURLToPath(new URL("../target/release/icarus", import.meta.url)) },
    port: { type: "string", default: "7070" },
    "site-port": { type: "string", default: "7080" },
    data: { type: "string", default: fileURLToPath(new URL("data", import.meta.url)) },
  },
});
const HERE = fileURLToPath(new URL(".", import.meta.url));
const DATA = resolve(flags.data);
const UNTIL_FILE = join(DATA, "traffic-until");
const ICARUS = `http://127.0.0.1:${flags.port}`;
const SITE = `http://127.0.0.1:${flags["site-port"]}`;

const MINUTE_MS = 60_000;
const HISTORY_MS = 21 * 24 * 60 * MINUTE_MS;
/** How often it is noted how far the traffic has come. */
const NOTE_EVERY_MS = 5_000;
const HOUR_MS = 60 * MINUTE_MS;
/**
 * How many page views each one stands for that is sent of the history, so that three weeks are sent in two minutes. The last day,
 * which charts show first, is finer.
 */
const HISTORY = [
  { weight: 100, until: 25 * HOUR_MS },
  { weight: 20, until: 0 },
];
const TRAFFIC = ["--server", ICARUS, "--page-views-per-minute", "3000", "--scenario", join(HERE, "../generator/scenarios/demo.toml")];
/** As the configuration allows. */
const LATENESS = ["--lateness-max", "22days"];

/** What runs, in the order in which it is to be stopped. @type {import("node:child_process").ChildProcess[]} */
const running = [];
let stopping = false;

/** @param {string} text */
const say = (text) => process.stdout.write(`${text}\n`);
const clock = () => new Date().toTimeString().slice(0, 8);

/** A process of its own group: Ctrl-C reaches only this one, which stops the others in order. @param {string[]} args @param {"inherit" | "ignore"} out */
function start(args, out) {
  const child = spawn(flags.binary, args, { detached: true, stdio: ["ignore", out, "inherit"] });
  running.unshift(child);
  child.once("exit", () => running.splice(running.indexOf(child), 1));
  return child;
}

/** @param {import("node:child_process").ChildProcess} child */
async function ended(child) {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode === 0;
}

/** Answers once Icarus is ready, or fails when it ended. @param {import("node:child_process").ChildProcess} server */
async function ready(server) {
  for (;;) {
    if (server.exitCode !== null) throw new Error("icarus could not start; what it said is above");
    const answer = await fetch(`${ICARUS}/readyz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** @param {number} ms */
const note = (ms) => writeFileSync(UNTIL_FILE, new Date(ms).toISOString());

/** Sends the traffic between the last run, or three weeks ago, and `now`. @param {number} now */
async function catchUp(now) {
  const first = !existsSync(UNTIL_FILE);
  let from = Math.max(now - HISTORY_MS, first ? 0 : Date.parse(readFileSync(UNTIL_FILE, "utf8")));
  if (now - from < MINUTE_MS) return;
  say(first ? "Sending three weeks of history (once; about two minutes) ..." : "Sending what happened since the last run ...");
  // A later run that is interrupted here leaves a gap; it must not send the same traffic twice.
  if (!first) note(now);
  for (const { weight, until } of HISTORY.filter(({ until }) => from < now - until)) {
    const span = ["--span", `${Math.floor((now - until - from) / 1000)}s`, "--until", new Date(now - until).toISOString()];
    const rates = ["--weight", String(weight), "--hostile", "0", "--bots", "0"];
    const history = start(["generate", "history", ...span, ...TRAFFIC, ...rates, ...LATENESS], "ignore");
    if (!(await ended(history)) || stopping) throw new Error("the history could not be sent");
    from = now - until;
  }
  note(now);
}

async function run() {
  if (!existsSync(flags.binary)) throw new Error(`there is no ${flags.binary}: \`make demo\` builds it`);
  if (existsSync(DATA) && !existsSync(UNTIL_FILE)) {
    say("The history was not finished last time: beginning again.");
    rmSync(DATA, { recursive: true });
  }
  const site = await serveSite({
    port: Number(flags["site-port"]),
    icarus: ICARUS,
    onAlert: (text) => say(`\n${clock()}  ${text}\n`),
  });
  mkdirSync(DATA, { recursive: true });
  process.env["ICARUS_ALERTS__WEBHOOK_URL"] = SITE + WEBHOOK_PATH;
  process.env["ICARUS_LOGGING__LEVEL"] ??= "warn";
  const server = start(
    ["serve", "--config", join(HERE, "icarus.toml"), "--listen", `127.0.0.1:${flags.port}`, "--data-dir", DATA],
    "inherit",
  );
  await ready(server);

  const now = Date.now();
  await catchUp(now);
  const live = start(["generate", "live", "--from", new Date(now).toISOString(), "--quiet", ...TRAFFIC, ...LATENESS], "ignore");
  const noting = setInterval(() => note(Date.now()), NOTE_EVERY_MS);
  say(`
  Dashboard   ${ICARUS}/
  The shop    ${SITE}/    visit it: what you do there is measured, too

  In two minutes a release of the shop slows its checkout in Safari; the alert is told here.
  Ctrl-C stops everything; the next start goes on with the same data.
`);
  await Promise.race([ended(live), ended(server)]);
  clearInterval(noting);
  if (!stopping) throw new Error("a part of the demo ended by itself; what it said is above");
  note(Date.now());
  await site.stop();
}

/** Stops what sends before what receives. */
async function stop() {
  if (stopping) return;
  stopping = true;
  say("\nStopping ...");
  for (const child of [...running]) {
    child.kill("SIGTERM");
    await ended(child);
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => void stop());
try {
  await run();
  while (running.length > 0) await ended(running[0]);
  say("Stopped. `make demo` goes on with the same data.");
} catch (error) {
  const asked = stopping;
  await stop();
  if (!asked) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
process.exit();
