/** What is known of a value's cause, small enough to send with each. */

import { bare } from "./view.js";

/** Numbers and texts by name; whatever else is among them is left out. */
export type Fields = Record<string, unknown>;

/** How long a text may be, in characters. */
const TEXT_MAX = 200;
/** All of it, as JSON; the schema allows 2048. */
const BYTES_MAX = 2000;

const encoder = new TextEncoder();

/** How many bytes `text` has in UTF-8. */
export const byteLength = (text: string): number => encoder.encode(text).length;

// Whatever begins like an address is one.
const cut = (text: string): string => (/^\w+:\/\//.test(text) ? bare(text) : text).slice(0, TEXT_MAX);

/**
 * What `cause` says, cut to size, and nothing if that is nothing. Numbers are rounded to 1/`scale`. Texts are
 * left out when only numbers are wanted, and when they take too much room.
 */
export function attribution(cause: object, scale: number, numbersOnly: boolean): Fields | undefined {
  const kept: Fields = {};
  for (const [name, value] of Object.entries(cause)) {
    if (Number.isFinite(value)) kept[name] = Math.round(value * scale) / scale;
    else if (!numbersOnly && value && typeof value === "string") kept[name] = cut(value);
  }
  const bytes = byteLength(JSON.stringify(kept));
  return bytes > BYTES_MAX ? attribution(kept, scale, true) : bytes > 2 ? kept : undefined;
}
