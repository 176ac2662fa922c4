/** The script tag's way in: its attributes are the options, `window.icarus` the calls. */

import type { Options, QueuedCall } from "./api.js";
import { init } from "./client.js";
import { guarded, warn } from "./guard.js";

guarded(() => {
  // There is no current script in a module; then it must be one that can be found.
  const script = (document.currentScript ?? document.querySelector("script[data-app]")) as HTMLScriptElement;
  const given = window.icarus;
  if (given?.flush) return warn("the script is on the page twice: the first one counts");

  const { dataset } = script;
  const icarus = init({
    ...(dataset as Pick<Options, "app" | "key" | "release" | "route">),
    endpoint: dataset.endpoint || new URL("/v1/beacons", script.src).href,
    sample: Number(dataset.sample || 1),
    respectGpc: dataset.respectGpc !== "off",
  });

  const call = guarded(([name, ...args]: QueuedCall) =>
    name in icarus ? (icarus[name] as (...args: unknown[]) => void)(...args) : warn("no such call: ", name),
  );
  // The page may have kept either: the object that it made, or the queue in it. Both go on working.
  const queue: unknown = given?.q;
  const early: QueuedCall[] = Array.isArray(queue) ? queue : [];
  const waiting = early.splice(0);
  window.icarus = Object.assign(early === queue ? given! : {}, icarus, { q: Object.assign(early, { push: call }) });
  waiting.forEach((one) => call(one));
})();
