/** A clock that moves when it is told to, and what a page waits for on it. */

export class Clock {
  /** What `performance.now()` says. */
  now = 0;
  private timers = new Map<number, { at: number; run: () => void }>();
  private made = 0;

  after = (run: () => void, ms = 0): number => {
    this.timers.set(++this.made, { at: this.now + Math.max(0, ms), run });
    return this.made;
  };
  cancel = (timer: number | undefined): void => void this.timers.delete(timer ?? 0);

  /** Runs, here and now, what is due by now: as if the page that does something had left room for it before. */
  catchUp(): void {
    for (const [timer, { at, run }] of [...this.timers]) {
      if (at <= this.now && this.timers.delete(timer)) run();
    }
  }

  /** Lets `ms` pass, and all that is due in them happen, in its order. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    await settled();
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= end).sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (!due) break;
      this.timers.delete(due[0]);
      this.now = Math.max(this.now, due[1].at);
      due[1].run();
      await settled();
    }
    this.now = end;
  }
}

/** After all promises that can be kept by now. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
