/** What a beacon says beside its measurements: whose it is, and what the page told about itself. */

import { hasRoom, isText } from "./check.js";
import type { View } from "./view.js";

type Pairs = Record<string, string>;

/** The part of a beacon that stays the same from page view to page view, unless the page changes it. */
export interface Context {
  app: string;
  key: string;
  /** How many sessions this one stands for, if it is not only itself. */
  weight: number | undefined;
  /** Missing where the visitor asks for privacy. */
  session: { id: string } | undefined;
  release?: string;
  experiments?: Pairs;
  dimensions?: Pairs;
}

/** Everything in a beacon but its id, its events and the time of sending. */
export type Head = object;

export const headOf = (context: Context, { id, url, route, navigationType }: View): Head => ({
  ...context,
  page: { url, route, view_id: id, navigation_type: navigationType },
  connection: (navigator as { connection?: { effectiveType?: string } }).connection?.effectiveType,
});

/** Sets an experiment's arm or a dimension's value, if that is a text and there is room for it. */
export function setPair(context: Context, kind: "experiments" | "dimensions", name: string, value: string): void {
  const pairs = context[kind] ?? {};
  // A copy: what was packed already keeps what it says.
  if (isText("a value", value) && hasRoom(pairs, name)) context[kind] = { ...pairs, [name]: value };
}
