/**
 * The npm package's way in: `init` once, early, and keep what it returns.
 *
 * A datum's way through this folder: a file in `metrics/` sees it, `outbox.ts` keeps it with the page
 * view that it belongs to, `parcel.ts` packs what waits into beacons, `transport.ts` sends them.
 * `client.ts` ties these together; `tag.ts` is the script tag's way in.
 */
export { init } from "./client.js";
export type { Icarus, Options, QueuedCall, Unit } from "./api.js";
