/** The browser's address bar as a signal, and the ways to change it. */

import { signal } from "@preact/signals";
import { NOWHERE, type Place, parsePlace, placeUrl } from "./url";

const here = () => parsePlace(location.pathname, location.search);

/** Where one is. */
export const place = signal<Place>(here());

/** The URL of a change to where one is. */
export const to = (change: Partial<Place>): string => placeUrl({ ...place.value, ...change });

/** The URL of another page of the same app; range and filters go along, what belongs to one page does not. */
export function toPage(change: Partial<Place>): string {
  const { app, range, filters } = place.value;
  return placeUrl({ ...NOWHERE, app, range, filters, ...change });
}

/** Goes to a URL of this dashboard. With `replace` the way back skips where one was. */
export function visit(url: string, replace = false): void {
  const path = place.value;
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  place.value = here();
  if (path.page !== place.value.page || path.app !== place.value.app || path.alert !== place.value.alert) arrive();
}

/** Changes where one is. */
export const go = (change: Partial<Place>, replace = false): void => visit(to(change), replace);

// a new page begins at its top, and a screen reader begins to read there
function arrive(): void {
  scrollTo(0, 0);
  requestAnimationFrame(() => document.querySelector<HTMLElement>("main")?.focus({ preventScroll: true }));
}

/** Lets links within the dashboard change the page without loading it anew. */
export function followLinks(): void {
  addEventListener("popstate", () => {
    place.value = here();
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement | SVGAElement>("a[href]") : null;
    const href = link?.getAttribute("href");
    if (!href?.startsWith("/") || link?.hasAttribute("target") || link?.hasAttribute("download")) return;
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (href.startsWith("/api/") || /\.\w+$/.test(href.split("?")[0] ?? "")) return;
    event.preventDefault();
    visit(href);
  });
}
