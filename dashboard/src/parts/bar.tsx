/** The line under the header: who is shown, and what can be done with the view. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { App } from "../answer";
import { span } from "../live";
import { go, place, to } from "../place";
import { isLive } from "../range";
import { FilterChips } from "./filters";
import { Picker } from "./picker";
import { Popover } from "./popover";

interface Props {
  app: App;
  /** Whether filters apply to the page. */
  filters?: boolean;
  /** Whether it has charts, which can be read as tables. */
  charts?: boolean;
  /** What stands where the filters would. */
  children?: ComponentChildren;
}

export function Bar({ app, filters = false, charts = false, children }: Props) {
  const { table } = place.value;
  return (
    <div class="bar">
      {filters ? <FilterChips app={app} /> : <div class="chips">{children}</div>}
      <div class="bar-end">
        <CopyLink />
        {charts && (
          <button type="button" class="quiet" aria-pressed={table} onClick={() => go({ table: !table })}>
            {table ? "View as charts" : "View as table"}
          </button>
        )}
      </div>
    </div>
  );
}

function CopyLink() {
  const [said, setSaid] = useState("");
  const copy = async (path: string) => {
    const words = await copied(location.origin + path);
    setSaid(words);
    setTimeout(() => setSaid(""), 2500);
  };
  const { range } = place.value;
  return (
    <>
      {isLive(range) ? (
        <Popover class="quiet" end label="Copy link" name="copy link">
          {(close) => (
            <Picker
              name="copy link"
              options={[
                { value: "moving", label: "Link that moves with time" },
                { value: "pinned", label: "Link to exactly this time" },
              ]}
              onPick={(kind) => {
                void copy(kind === "pinned" ? to({ range: span.value }) : to({}));
                close();
              }}
            />
          )}
        </Popover>
      ) : (
        <button type="button" class="quiet" onClick={() => void copy(to({}))}>
          Copy link
        </button>
      )}
      <div role="status">{said !== "" && <span class="toast">{said}</span>}</div>
    </>
  );
}

// the clipboard is closed to pages that were not served from this machine or by https
async function copied(link: string): Promise<string> {
  try {
    await navigator.clipboard.writeText(link);
    return "Link copied";
  } catch {
    const field = document.createElement("textarea");
    field.value = link;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done ? "Link copied" : "The browser doesn't let this page copy: take the link from the address bar";
  }
}
