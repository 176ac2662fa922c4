/** Errors that nobody caught, and those that the page hands over: a counter, with what and where. */

import { guarded } from "../guard.js";
import type { View } from "../view.js";

/** A page that fails in a loop fails 20 times, for us. */
const PER_VIEW_MAX = 20;

/** What is known of an error; missing or 0 where the browser doesn't say. */
export interface Cause {
  message: string;
  source: string | undefined;
  line: number | undefined;
  column: number | undefined;
}

/** `report` gets what is known of each error, `view` tells in which page view it is. Returns what takes an error of the page's own. */
export function errors(view: () => View, report: (cause: Cause) => void): (thrown: unknown) => void {
  const count = (message: unknown, source?: string, line?: number, column?: number) => {
    if (view().errors++ >= PER_VIEW_MAX) return;
    // Addresses in the text lose their query, as all others do.
    const text = String(message).replace(/(:\/\/[^\s?#"']*)[?#][^\s"']*/g, "$1");
    report({ message: text, source, line: line || undefined, column: column || undefined });
  };
  const countThrown = (thrown: unknown) => {
    const { name = "Error", message, stack } = Object(thrown) as Partial<Error>;
    // The first place that the stack names; browsers agree on `address:line:column` at least.
    const [, source, line, column] = /(\w+:\/\/[^\s)]+):(\d+):(\d+)/.exec(stack ?? "") ?? [];
    count(message ? name + ": " + message : thrown, source, Number(line), Number(column));
  };

  addEventListener(
    "error",
    guarded((event: ErrorEvent) => count(event.message, event.filename, event.lineno, event.colno)),
  );
  addEventListener(
    "unhandledrejection",
    guarded((event: PromiseRejectionEvent) => countThrown(event.reason)),
  );
  return countThrown;
}
