// @ts-check
/** Serves the imagined shop, with Icarus' address in its pages, and is the webhook that alerts are told to. */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const SITE = fileURLToPath(new URL("site/", import.meta.url));
/** @type {Record<string, string>} */
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
/** Where alerts are told to. */
export const WEBHOOK_PATH = "/alerts";

/**
 * Starts it on `port`; resolves with how to stop it.
 * @param {{ port: number, icarus: string, onAlert: (text: string) => void }} options
 */
export async function serveSite({ port, icarus, onAlert }) {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://site").pathname;
    const answer = request.method === "POST" && path === WEBHOOK_PATH ? takeAlert(request, onAlert) : file(path, icarus);
    answer.then(
      ({ status, type, body }) => response.writeHead(status, { "content-type": type, "cache-control": "no-cache" }).end(body),
      () => response.writeHead(400, { "content-type": "text/plain" }).end("this can't be read\n"),
    );
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", () => resolve(undefined)));
  return {
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** @param {string} path @param {string} icarus */
async function file(path, icarus) {
  const name = normalize(path.endsWith("/") ? `${path}index.html` : decodeURIComponent(path));
  const type = TYPES[extname(name)] ?? "application/octet-stream";
  try {
    const bytes = await readFile(join(SITE, name));
    const body = type.startsWith("text/html") ? bytes.toString("utf8").replaceAll("%ICARUS%", icarus) : bytes;
    return { status: 200, type, body };
  } catch {
    return { status: 404, type: "text/plain", body: "there is no such page\n" };
  }
}

/** @param {AsyncIterable<Buffer>} request @param {(text: string) => void} onAlert */
async function takeAlert(request, onAlert) {
  const parts = [];
  for await (const part of request) parts.push(part);
  onAlert(JSON.parse(Buffer.concat(parts).toString("utf8")).text);
  return { status: 204, type: "text/plain", body: "" };
}
