/** Code to copy. */

import { useState } from "preact/hooks";
import type { App } from "../answer";

export function Snippet({ code }: { code: string }) {
  const [done, setDone] = useState(false);
  const copy = () =>
    navigator.clipboard.writeText(code).then(
      () => {
        setDone(true);
        setTimeout(() => setDone(false), 2000);
      },
      () => setDone(false), // forbidden: the text can be selected
    );
  // the clipboard is closed to pages from elsewhere without https; the text can be selected all the same
  const can = typeof navigator.clipboard?.writeText === "function";
  return (
    <div style={{ position: "relative" }}>
      <pre class="snippet" tabIndex={0}>
        {code}
      </pre>
      {can && (
        <button type="button" class="button snippet-copy" onClick={() => void copy()}>
          {done ? "Copied" : "Copy"}
        </button>
      )}
    </div>
  );
}

export const scriptTag = (origin: string, { id, key }: App): string =>
  `<script src="${origin}/icarus.js" data-app="${id}" data-key="${key}" async></script>`;

export const vitalsLines = (origin: string, { id, key }: App): string => `import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";

const endpoint = "${origin}/v1/beacons?app=${id}&key=${encodeURIComponent(key)}";
const send = (metric) => navigator.sendBeacon(endpoint, JSON.stringify(metric));
[onCLS, onFCP, onINP, onLCP, onTTFB].forEach((on) => on(send));`;

export const curlLines = (origin: string, { id, key }: App): string => `curl -i '${origin}/v1/beacons' \\
  -H 'content-type: application/json' \\
  -d '{"app":"${id}","key":"${key}","page":{"route":"/try"},"events":[{"metric":"LCP","value":1234},{"metric":"page_view","value":1}]}'`;
