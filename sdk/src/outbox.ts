/** The outbox: measurements wait here for the moment to send them. */

import type { Head } from "./context.js";
import { guarded, warn } from "./guard.js";
import { pack, type Parcel, type Waiting, write } from "./parcel.js";
import { send } from "./transport.js";
import type { View } from "./view.js";

export interface Outbox {
  /** Takes what is final. */
  add(one: Waiting): void;
  /** Takes a value that may still change; the last one of each `id` is sent once the page is hidden. */
  settle(one: Waiting, id: string): void;
  /** Sends what waits. The values that may still change go only when the page is `leaving`. */
  flush(leaving: boolean): void;
}

/** A flush is due with this many events, ... */
const FLUSH_EVENTS = 100;
/** ... or when the oldest has waited this long. */
const FLUSH_MS = 60_000;
/** A hidden page may be ended at any time, without another word to it. */
const FLUSH_HIDDEN_MS = 10_000;
/** So many events wait at most: where a page measures in a tight loop, or is prerendered and not yet shown. */
const WAITING_MAX = 1000;
/** So many beacons are kept for another try. */
const KEPT_MAX = 4;

export const isHidden = (): boolean => document.visibilityState === "hidden";

export function outbox(endpoint: string, headOf: (view: View) => Head): Outbox {
  let waiting: Waiting[] = [];
  let kept: Parcel[] = [];
  // A histogram that adds up can't take a value back: what was sent of an id stays its value, and here is null.
  const settling = new Map<string, Waiting | null>();
  let timer: number | undefined;

  const flushIn = (ms: number) => {
    clearTimeout(timer);
    timer = window.setTimeout(
      guarded(() => flush(isHidden())),
      ms,
    );
  };
  const flushLater = () => timer ?? flushIn(isHidden() ? FLUSH_HIDDEN_MS : FLUSH_MS);

  const flush = (leaving: boolean) => {
    clearTimeout(timer);
    timer = undefined;
    // Nobody has seen a page that is prerendered; perhaps nobody ever will.
    if (document.prerendering) return;
    const parcels = kept;
    kept = [];
    if (leaving) {
      settling.forEach((one, id) => {
        if (one) waiting.push(one);
        settling.set(id, null);
      });
    }
    parcels.push(...pack(waiting, headOf));
    waiting = [];
    for (const parcel of parcels) deliver(parcel, leaving);
  };

  const deliver = (parcel: Parcel, leaving: boolean) => {
    const sent = send(endpoint, write(parcel), leaving);
    if (sent !== true) void sent.then((done) => done || keep(parcel));
  };

  const keep = (parcel: Parcel) => {
    kept.push(parcel);
    if (kept.length > KEPT_MAX) {
      kept.shift();
      warn("the server can't be reached: old measurements are dropped");
    }
    flushLater();
  };

  return {
    add(one) {
      if (waiting.length >= WAITING_MAX) return warn("too many wait: new measurements are dropped");
      waiting.push(one);
      // Not at once: it may be the page's own handler that measures, and it must not pay for sending.
      if (waiting.length === FLUSH_EVENTS) flushIn(0);
      else flushLater();
    },
    settle(one, id) {
      if (settling.get(id) !== null) settling.set(id, one);
    },
    flush,
  };
}
