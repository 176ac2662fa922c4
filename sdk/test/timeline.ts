/** Performance entries as a browser tells of them: to observers, in a task of their own. */

export type Entry = { entryType: string; name: string; startTime: number; duration: number; [field: string]: unknown };

export const ENTRY_TYPES = [
  "event",
  "first-input",
  "largest-contentful-paint",
  "layout-shift",
  "long-animation-frame",
  "navigation",
  "paint",
  "resource",
  "visibility-state",
];

export class Timeline {
  readonly entries: Entry[] = [];
  private observers = new Set<Observer>();
  /** The class for `window.PerformanceObserver`. */
  readonly Observer: typeof Observer;

  constructor(types: string[]) {
    const timeline = this;
    this.Observer = class extends Observer {
      static override supportedEntryTypes = types;
      override timeline = timeline;
    };
  }

  /** Records an entry. Observers hear of it with the next `deliver`, unless they take it before. */
  add(entryType: string, fields: Partial<Entry>): void {
    const entry = { entryType, name: "", startTime: 0, duration: 0, ...fields };
    this.entries.push(entry);
    for (const observer of this.observers) if (observer.types.has(entryType)) observer.waiting.push(entry);
  }

  deliver(): void {
    for (const observer of this.observers) {
      const list = observer.takeRecords();
      if (list.length) observer.callback({ getEntries: () => list });
    }
  }

  join(observer: Observer, type: string): void {
    this.observers.add(observer);
    observer.waiting.push(...this.entries.filter((entry) => entry.entryType === type));
  }

  leave(observer: Observer): void {
    this.observers.delete(observer);
  }
}

class Observer {
  static supportedEntryTypes: string[] = [];
  timeline!: Timeline;
  readonly types = new Set<string>();
  waiting: Entry[] = [];

  constructor(readonly callback: (list: { getEntries(): Entry[] }) => void) {}

  observe({ type }: { type: string }): void {
    this.types.add(type);
    this.timeline.join(this, type);
  }
  disconnect(): void {
    this.timeline.leave(this);
  }
  takeRecords(): Entry[] {
    return this.waiting.splice(0);
  }
}
