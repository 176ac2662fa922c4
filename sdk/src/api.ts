/** What a page may call and give: the SDK's whole public face. */

/** What a value is measured in; `schemas/beacon.schema.json` has the same list. */
// prettier-ignore
export type Unit =
  | "ms" | "millisecond" | "milliseconds" | "s" | "second" | "seconds"
  | "us" | "µs" | "microsecond" | "microseconds"
  | "score" | "ratio"
  | "B" | "byte" | "bytes" | "kB" | "kilobyte" | "kilobytes" | "MB" | "megabyte" | "megabytes"
  | "count" | "1"
  | "per_second" | "rate" | "1/s";

/** Calls never throw: what can't be taken is warned of in the console, once for each kind, and not sent. */
export interface Icarus {
  /**
   * Sends one measurement of your own, as of now.
   * @param name 1 to 64 characters of `A-Z a-z 0-9 _ . : / -`, the first a letter
   * @param value finite, not negative
   * @param unit of the value; when missing, the one that the metric is declared in, else ms
   */
  measure(name: string, value: number, unit?: Unit): void;
  /**
   * Names the page's template, such as `/product/:id`; 1 to 200 characters. The first call names the page
   * view from its beginning. A later one with another route, and a first one after the address has changed,
   * begin a new part of the page view: what was measured before stays with the part before.
   */
  setRoute(route: string): void;
  /** The app's own version, for all that was not sent yet; 1 to 200 characters. */
  setRelease(release: string): void;
  /** Says that this page view is in an experiment, and in which arm; at most 8, texts of 1 to 200 characters. */
  setExperiment(name: string, arm: string): void;
  /**
   * Sets a dimension that the app's configuration names; at most 8.
   * @param name 1 to 32 characters of `a-z 0-9 _`, the first a letter
   * @param value 1 to 200 characters
   */
  setDimension(name: string, value: string): void;
  /** Counts an error that the page caught itself. Shares the limit of 20 a page view. */
  error(error: unknown): void;
  /** Sends what waits now, but not LCP, CLS and INP, which are final only when the page is hidden. */
  flush(): void;
}

/** A call made before the script was there: `icarus.q.push(["measure", "ttft", 412, "ms"])`. */
export type QueuedCall = { [Name in keyof Icarus]: [Name, ...Parameters<Icarus[Name]>] }[keyof Icarus];

/** What `init` takes. */
export interface Options {
  /** The app's id. */
  app: string;
  /** The app's public write key. */
  key: string;
  /** Where beacons go, such as `https://rum.example/v1/beacons`; may be relative to the page. */
  endpoint: string;
  /** As {@link Icarus.setRelease}. */
  release?: string | undefined;
  /** As {@link Icarus.setRoute}. */
  route?: string | undefined;
  /** The share of sessions that is measured, in (0, 1] and 1/n of a whole n up to 10,000. All, when missing. */
  sample?: number | undefined;
  /**
   * Whether `navigator.globalPrivacyControl` is heeded (the default): then there is no session id, and
   * attribution has numbers only.
   */
  respectGpc?: boolean | undefined;
}

declare global {
  interface Window {
    /** There once the script ran; before it, only the queue that the page made itself. */
    icarus?: Partial<Icarus> & { q: { push(call: QueuedCall): unknown } };
  }
}
