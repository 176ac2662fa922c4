/** Page views: where one begins, and which part of it a measurement belongs to. */

import { guarded } from "./guard.js";
import { randomId } from "./session.js";

/** A page view, or the part of one that had one route. */
export interface View {
  /** The same for all parts of a page view. */
  readonly id: string;
  /** Without query and fragment. */
  readonly url: string;
  route?: string | undefined;
  /** As web-vitals names it: navigate, reload, back-forward, back-forward-cache, prerender, restore. */
  navigationType?: string | undefined;
  /** How many errors were counted in the page view: kept in its first part. */
  errors: number;
}

/** The page view that is going on. */
export interface Views {
  /** Its first part: what is measured of the loading belongs there. */
  landing: View;
  /** Its part of now. */
  now: View;
  setRoute(route: string): void;
}

const URL_MAX = 2048;

/** An address without query and fragment: these may hold what is private. */
export const bare = (url: string): string => url.replace(/[?#].*/s, "");

/** How this document came, where the browser tells. */
export const navigationEntry = () => performance.getEntriesByType("navigation")[0];

/** When a prerendered page was first shown, by `performance.now()`; 0 for any other. */
export const activationStart = (): number => navigationEntry()?.activationStart ?? 0;

/** Does `act` at once, or when a page that is prerendered is shown; never, if it never is. */
export function whenShown(act: () => void): void {
  // Caught on its way down: it does not bubble.
  if (document.prerendering) addEventListener("prerenderingchange", guarded(act), { once: true, capture: true });
  else act();
}

/** web-vitals says the same with its first metric; a page that is left before has only this. */
function navigationType(): string | undefined {
  if (document.prerendering || activationStart()) return "prerender";
  if (document.wasDiscarded) return "restore";
  return navigationEntry()?.type?.replace(/_/g, "-");
}

const begin = (route: string | undefined, type: string | undefined): View => ({
  id: randomId(),
  url: (location.origin + location.pathname).slice(0, URL_MAX),
  route,
  navigationType: type,
  errors: 0,
});

/**
 * Follows the page's views. `shown` is told of each with the time that it began at: the load, the showing of
 * a page that was prerendered (not its rendering), each return from the back/forward cache.
 */
export function follow(shown: (view: View, at: number) => void): Views {
  const first = begin(undefined, navigationType());
  const views: Views = {
    landing: first,
    now: first,
    setRoute(next) {
      const { id, url, route, navigationType } = views.now;
      if (route === next) return;
      const part = { ...begin(next, navigationType), id };
      if (route === undefined && url === part.url) views.now.route = next;
      else views.now = part;
    },
  };
  whenShown(() => shown(first, activationStart()));
  // Must be registered before web-vitals' own listener: the vitals of the restored page come out of it.
  addEventListener(
    "pageshow",
    guarded((event: PageTransitionEvent) => {
      if (!event.persisted) return;
      views.landing = views.now = begin(views.now.route, "back-forward-cache");
      shown(views.now, event.timeStamp);
    }),
    true,
  );
  return views;
}
