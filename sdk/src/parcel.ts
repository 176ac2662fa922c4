/** Parcels: what waits, packed into beacons that are small enough to be sent when the page goes away. */

import { byteLength, type Fields } from "./attribution.js";
import type { Head } from "./context.js";
import { randomId } from "./session.js";
import type { View } from "./view.js";

/** A measurement as it goes over the wire; `schemas/beacon.schema.json` explains the fields. */
export interface Measured {
  metric: string;
  value: number;
  unit?: string | undefined;
  id?: string;
  attribution?: Fields | undefined;
}

/** A measurement that was not sent yet. */
export interface Waiting {
  measured: Measured;
  /** When it happened, by `performance.now()`. */
  at: number;
  view: View;
}

/** A beacon on its way; sent again it keeps its id, by which the server knows a second copy. */
export interface Parcel {
  head: Head;
  waiting: Waiting[];
}

/** Browsers hold at most 65,536 bytes in flight for a page that is gone. */
const BODY_BYTES_MAX = 60_000;
/** The schema's limit. */
const EVENTS_MAX = 200;
/** A comma, and `,"age_ms":` with an age of up to 300 years: known only when it is sent. */
const AGE_BYTES_MAX = 24;
/** `,"sent_at":`, `,"events":[]` and a time. */
const TAIL_BYTES_MAX = 40;

/** Packs `all` in its order: one page view, or part of it, a parcel, and as many parcels as the limits ask for. */
export function pack(all: Waiting[], headOf: (view: View) => Head): Parcel[] {
  const parcels: Parcel[] = [];
  for (const view of new Set(all.map((one) => one.view))) {
    let room = 0;
    let parcel: Parcel | undefined;
    for (const one of all) {
      if (one.view !== view) continue;
      const bytes = byteLength(JSON.stringify(one.measured)) + AGE_BYTES_MAX;
      if (!parcel || bytes > room || parcel.waiting.length >= EVENTS_MAX) {
        parcels.push((parcel = { head: { id: randomId(), ...headOf(view) }, waiting: [] }));
        room = BODY_BYTES_MAX - TAIL_BYTES_MAX - byteLength(JSON.stringify(parcel.head));
      }
      parcel.waiting.push(one);
      room -= bytes;
    }
  }
  return parcels;
}

/** The beacon's text as of now. Ages are taken at the last moment: a parcel may have waited for another try. */
export function write({ head, waiting }: Parcel): string {
  const now = performance.now();
  return JSON.stringify({
    ...head,
    sent_at: Date.now(),
    events: waiting.map(({ measured, at }) => ({ ...measured, age_ms: Math.max(0, Math.round(now - at)) })),
  });
}
