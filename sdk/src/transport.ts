/** How a body leaves the page. As a text: that asks for no preflight, which a page on its way out can't wait for. */

import { warn } from "./guard.js";

/** Hands a body over for the time after the page; false when the browser won't take it. */
function leave(endpoint: string, body: string): boolean {
  try {
    return navigator.sendBeacon(endpoint, body);
  } catch {
    return false;
  }
}

/** Posts a body; the answer is false when it should be sent again. */
async function post(endpoint: string, body: string): Promise<boolean> {
  try {
    const { ok, status } = await fetch(endpoint, { method: "POST", body, keepalive: true, credentials: "omit" });
    // What is refused now would be refused again; only an outage or a limit passes.
    if (!ok && status < 500 && status !== 429) {
      warn("the server refused a beacon, its answer says why: ", String(status));
      return true;
    }
    return ok;
  } catch {
    return false;
  }
}

/**
 * Sends `body`. A page that leaves hands it to the browser, which sends it later and tells nobody how that
 * went; one that stays posts it, to learn whether it must be sent again. The answer is false when it must.
 */
export function send(endpoint: string, body: string, leaving: boolean): true | Promise<boolean> {
  return (leaving && leave(endpoint, body)) || post(endpoint, body);
}
