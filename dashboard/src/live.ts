/** When the pages look again: every ten seconds, while somebody looks at them and wants it. */

import { computed, signal } from "@preact/signals";
import { serverNow } from "./api";
import { place } from "./place";
import { isLive, resolve } from "./range";

const EVERY_S = 10;

/** Whether the user has stopped the refreshing. */
export const paused = signal(false);
/** The time that all panels agree on, in seconds since the epoch. Moves at a tick. */
export const now = signal(Math.floor(serverNow()));
/** Goes up when everything is to be asked again. */
export const tick = signal(0);
/** Whether the last question got any answer at all. */
export const reachable = signal(true);

/** The range that the pages show, resolved at the last tick. */
export const span = computed(() => resolve(place.value.range, now.value));
/** Whether that range moves with time. */
export const moving = computed(() => isLive(place.value.range));

let underWay = 0;

/** Counts a question as under way until `answer` settles, so that ticks don't pile up behind a slow server. */
export function track<T>(answer: Promise<T>): Promise<T> {
  underWay += 1;
  return answer.finally(() => {
    underWay -= 1;
  });
}

/** Looks again, now. */
export function refresh(): void {
  now.value = Math.floor(serverNow());
  tick.value += 1;
}

export function startTicking(): void {
  // either way: the server's clock may turn out to be behind the one that the first tick was read from
  const due = () => !paused.value && !document.hidden && underWay === 0 && Math.abs(serverNow() - now.value) >= EVERY_S;
  setInterval(() => {
    if (due()) refresh();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (due()) refresh();
  });
}
