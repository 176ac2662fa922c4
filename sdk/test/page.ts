/**
 * A page in a browser that does only what a test tells it: the built script runs in jsdom, on a clock, a
 * timeline and a network of ours.
 */

import { readFileSync } from "node:fs";

import { type DOMWindow, JSDOM, requestInterceptor, VirtualConsole } from "jsdom";
import { expect } from "vitest";

import type { Icarus } from "../src/api.js";
import { Clock, settled } from "./clock.js";
import { complaints } from "./schema.js";
import { ENTRY_TYPES, type Entry, Timeline } from "./timeline.js";

export const SCRIPT = readFileSync(new URL("../dist/icarus.js", import.meta.url), "utf8");
export const SCRIPT_URL = "https://rum.example/icarus.js";
const TAG = { src: SCRIPT_URL, "data-app": "shop", "data-key": "pk_shop" };

export interface Measured {
  metric: string;
  value: number;
  age_ms: number;
  unit?: string;
  id?: string;
  attribution?: Record<string, string | number>;
}
export interface Beacon {
  id: string;
  app: string;
  key: string;
  sent_at: number;
  weight?: number;
  page: { url: string; route?: string; view_id: string; navigation_type?: string };
  session?: { id: string };
  release?: string;
  connection?: string;
  experiments?: Record<string, string>;
  dimensions?: Record<string, string>;
  events: Measured[];
}
export interface Sent {
  via: "sendBeacon" | "fetch";
  url: string;
  body: string;
  init?: RequestInit;
  beacon: Beacon;
}

export interface Options {
  url?: string;
  /** Attributes of the script tag beside the usual ones; undefined takes one away. None: no tag. */
  tag?: Record<string, string | undefined> | null;
  /** The page's body, before the script. */
  html?: string;
  navigation?: Partial<PerformanceNavigationTiming>;
  prerendering?: boolean;
  visibility?: "visible" | "hidden";
  entryTypes?: string[];
  /** The last change to the window before anything runs in it. */
  setup?: (window: DOMWindow, page: Page) => void;
}

/** A load of 1,000 ms over a new TLS connection. */
const NAVIGATION = {
  name: "https://shop.example/",
  type: "navigate",
  activationStart: 0,
  redirectStart: 0,
  redirectEnd: 0,
  fetchStart: 5,
  domainLookupStart: 10,
  domainLookupEnd: 30,
  connectStart: 30,
  secureConnectionStart: 55,
  connectEnd: 95,
  requestStart: 100,
  responseStart: 350,
  responseEnd: 420,
  domInteractive: 600,
  domContentLoadedEventStart: 700,
  domContentLoadedEventEnd: 705,
  domComplete: 990,
  loadEventStart: 1000,
  loadEventEnd: 1004,
};

export class Page {
  readonly clock = new Clock();
  readonly timeline: Timeline;
  readonly warnings: string[] = [];
  /** What the page itself would see go wrong. */
  readonly uncaught: unknown[] = [];
  readonly navigation: Entry & { activationStart: number };
  visibility: "visible" | "hidden";
  prerendering: boolean;
  /** What `sendBeacon` answers. */
  takesBeacon = true;
  /** What `fetch` answers: a status, or 0 for no connection. */
  status = 202;
  window!: DOMWindow;
  private recorded: Omit<Sent, "beacon">[] = [];

  private constructor(options: Options) {
    this.prerendering = options.prerendering ?? false;
    this.visibility = this.prerendering ? "hidden" : (options.visibility ?? "visible");
    this.timeline = new Timeline(options.entryTypes ?? ENTRY_TYPES);
    this.timeline.add("navigation", { ...NAVIGATION, ...options.navigation } as Partial<Entry>);
    this.navigation = this.timeline.entries[0] as Page["navigation"];
  }

  /** Opens a page with the script tag in it, and comes back once it loaded: 1,010 ms after it was asked for. */
  static async open(options: Options = {}): Promise<Page> {
    const page = new Page(options);
    // Enough for web-vitals to believe in the navigation entry.
    page.clock.now = 1010;
    const attributes = Object.entries({ ...TAG, ...options.tag }).flatMap(([name, value]) =>
      value === undefined ? [] : ` ${name}="${value}"`,
    );
    const tag = options.tag === null ? "" : `<script${attributes.join("")} async></script>`;
    const answer = requestInterceptor((request) =>
      request.url === SCRIPT_URL ? new Response(SCRIPT, { headers: { "content-type": "text/javascript" } }) : Response.error(),
    );
    const console = new VirtualConsole();
    console.on("warn", (text) => page.warnings.push(String(text)));
    console.on("jsdomError", (error) => page.uncaught.push(error));
    const dom = new JSDOM(`<!doctype html><title>Shop</title><body>${options.html ?? ""}${tag}</body>`, {
      url: options.url ?? "https://shop.example/",
      runScripts: "dangerously",
      resources: { interceptors: [answer] },
      pretendToBeVisual: true,
      virtualConsole: console,
      beforeParse: (window) => {
        page.furnish(window);
        options.setup?.(window, page);
      },
    });
    page.window = dom.window;
    if (dom.window.document.readyState !== "complete") await new Promise((loaded) => dom.window.addEventListener("load", loaded));
    await page.pass(0);
    return page;
  }

  /** The script's calls. */
  get icarus(): Icarus {
    return this.window.icarus as Icarus;
  }

  /** All that was sent till now; each body must be a beacon as the schema has it. */
  get sent(): Sent[] {
    return this.recorded.map((one) => {
      const beacon = JSON.parse(one.body) as Beacon;
      expect(complaints(beacon)).toEqual([]);
      return { ...one, beacon };
    });
  }

  get beacons(): Beacon[] {
    return this.sent.map(({ beacon }) => beacon);
  }

  /** The events that were sent, all or of one metric. */
  events(metric?: string): Measured[] {
    return this.beacons.flatMap(({ events }) => events).filter((event) => !metric || event.metric === metric);
  }

  values(metric: string): number[] {
    return this.events(metric).map(({ value }) => value);
  }

  /** Lets entries reach their observers, and then time pass. */
  async pass(ms: number): Promise<void> {
    this.timeline.deliver();
    await this.clock.pass(ms);
  }

  async hide(): Promise<void> {
    this.visibility = "hidden";
    await this.fire(this.window.document, "visibilitychange");
  }

  async show(): Promise<void> {
    this.visibility = "visible";
    await this.fire(this.window.document, "visibilitychange");
  }

  /** Leaves the page as browsers do: first pagehide, then, if it was seen, visibilitychange. */
  async leave(): Promise<void> {
    await this.fire(this.window, "pagehide", { persisted: true });
    if (this.visibility === "visible") await this.hide();
  }

  /** Comes back to it through the back/forward cache. */
  async restore(): Promise<void> {
    this.visibility = "visible";
    await this.fire(this.window, "pageshow", { persisted: true });
    await this.fire(this.window.document, "visibilitychange");
    await this.pass(40);
  }

  /** Shows a page that was prerendered. */
  async activate(): Promise<void> {
    this.prerendering = false;
    this.visibility = "visible";
    this.navigation.activationStart = this.clock.now;
    await this.fire(this.window.document, "prerenderingchange");
    await this.pass(0);
  }

  async fire(target: EventTarget, type: string, fields: object = {}): Promise<void> {
    // Of those that are fired at the document, HTML lets only this one bubble.
    const event = new this.window.Event(type, { bubbles: type === "visibilitychange" });
    for (const [name, value] of Object.entries({ timeStamp: this.clock.now, ...fields }))
      Object.defineProperty(event, name, { value });
    target.dispatchEvent(event);
    await settled();
  }

  /** An interaction of `duration` ms, as Event Timing tells of it. */
  interact(startTime: number, duration: number, fields: Partial<Entry> = {}): void {
    this.interactions += 1;
    this.timeline.add("event", {
      name: "click",
      startTime,
      duration,
      interactionId: this.interactions,
      processingStart: startTime + 5,
      processingEnd: startTime + duration - 10,
      ...fields,
    });
  }
  private interactions = 0;

  private furnish(window: DOMWindow): void {
    const { clock, timeline } = this;
    const page = this;
    const define = (target: object, properties: PropertyDescriptorMap & ThisType<unknown>) => {
      for (const [name, property] of Object.entries(properties))
        Object.defineProperty(target, name, { configurable: true, ...property });
    };
    const value = (it: unknown) => ({ value: it, writable: true });
    define(window, {
      performance: value({
        now: () => clock.now,
        get interactionCount() {
          return page.interactions;
        },
        getEntriesByType: (type: string) => timeline.entries.filter((entry) => entry.entryType === type),
        getEntriesByName: (name: string, type: string) =>
          timeline.entries.filter((entry) => entry.entryType === type && entry.name === name),
      }),
      PerformanceObserver: value(timeline.Observer),
      PerformanceEventTiming: value(
        class {
          get interactionId() {
            return 0;
          }
        },
      ),
      setTimeout: value(clock.after),
      clearTimeout: value(clock.cancel),
      requestIdleCallback: value((run: () => void) => clock.after(run, 1)),
      cancelIdleCallback: value(clock.cancel),
      requestAnimationFrame: value((run: () => void) => clock.after(run, 16)),
      TextEncoder: value(TextEncoder),
      fetch: value(async (url: string, init: RequestInit) => {
        this.recorded.push({ via: "fetch", url, body: String(init.body), init });
        if (!this.status) throw new TypeError("Failed to fetch");
        return { ok: this.status < 300, status: this.status };
      }),
    });
    define(window.navigator, {
      sendBeacon: value((url: string, body: unknown) => {
        if (this.takesBeacon) this.recorded.push({ via: "sendBeacon", url, body: body as string });
        return this.takesBeacon;
      }),
    });
    define(window.document, {
      visibilityState: { get: () => this.visibility },
      prerendering: { get: () => this.prerendering },
    });
  }
}
