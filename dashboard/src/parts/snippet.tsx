/** Code to copy. */

import { useState } from "preact/hooks";

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

/** What stands for the write key until it is given. */
const KEY = "YOUR_WRITE_KEY";

export const scriptTag = (origin: string, app: string, key: string): string =>
  `<script src="${origin}/icarus.js" data-app="${app}" data-key="${key || KEY}" async></script>`;

export const vitalsLines = (
  origin: string,
  app: string,
  key: string,
): string => `import { onCLS, onFCP, onINP, onLCP, onTTFB } from "web-vitals";

const endpoint = "${origin}/v1/beacons?app=${app}&key=${encodeURIComponent(key || KEY)}";
const send = (metric) => navigator.sendBeacon(endpoint, JSON.stringify(metric));
[onCLS, onFCP, onINP, onLCP, onTTFB].forEach((on) => on(send));`;

export const curlLines = (origin: string, app: string, key: string): string => `curl -i '${origin}/v1/beacons' \\
  -H 'content-type: application/json' \\
  -d '{"app":"${app}","key":"${key || KEY}","page":{"route":"/try"},"events":[{"metric":"LCP","value":1234},{"metric":"page_view","value":1}]}'`;
