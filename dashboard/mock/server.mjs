// @ts-check
/**
 * Serves the built dashboard as the binary does (same policy of content, `index.html` for every path
 * that names no file) with the mock API beside it: `node mock/server.mjs [port]`.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { handler } from "./handler.mjs";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
/** @type {Record<string, string>} */
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/** @param {string} path */
async function file(path) {
  const named = extname(path) === "" ? "/index.html" : normalize(path);
  try {
    return { body: await readFile(join(DIST, named)), type: TYPES[extname(named)] ?? "application/octet-stream" };
  } catch {
    return null;
  }
}

/** Starts it; resolves with its address and how to stop it. @param {number} [port] 0 takes a free one */
export async function serve(port = 0) {
  const server = createServer((request, response) => {
    handler(request, response, () => {
      void file(decodeURIComponent(new URL(request.url ?? "/", "http://mock").pathname)).then((found) => {
        if (found === null) response.writeHead(404).end();
        else response.writeHead(200, { "content-type": found.type, "content-security-policy": POLICY }).end(found.body);
      });
    });
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await serve(Number(process.argv[2] ?? 7072));
  process.stdout.write(`dashboard with mock answers: ${url}\n`);
}
