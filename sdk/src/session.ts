/** The visit: one tab, from its first page of the app until it is closed. And which visits are measured. */

import { warn } from "./guard.js";

const STORED_AS = "icarus";
/** The schema's limit for a beacon's weight. */
const WEIGHT_MAX = 10_000;

/** 128 random bits in hexadecimal. */
export const randomId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte + 256).toString(16).slice(1)).join("");

/**
 * The tab's session id. Lives in sessionStorage, which ends with the tab and never travels by itself as a
 * cookie would; where storage is refused, each page view is a session of its own.
 */
export function sessionId(): string {
  try {
    const id = sessionStorage.getItem(STORED_AS) ?? randomId();
    sessionStorage.setItem(STORED_AS, id);
    return id;
  } catch {
    return randomId();
  }
}

/**
 * How many sessions one stands for when `share` of them is measured: a whole number in [1, 10000], because
 * the server counts each page view that many times. A share that is not 1/n is moved to the nearest.
 */
export function weightOf(share: number): number {
  const weight = Math.min(Math.max(Math.round(1 / share) || 1, 1), WEIGHT_MAX);
  // Shares are written in decimals: 0.333 is meant as 1/3, 0.3 is not.
  if (!(Math.abs(weight * share - 1) <= 0.002)) warn(`sample must be 1/n: 1/${weight} is taken`);
  return weight;
}

/** Whether the session is among the one in `weight` that is measured: the same answer on all of its pages. */
export const isSampled = (session: string, weight: number): boolean => parseInt(session.slice(0, 8), 16) < 2 ** 32 / weight;
