/** An app without a single beacon: what to do next. */

import type { App } from "../../answer";
import { Headline } from "../../parts/sentence";
import { Snippet, scriptTag } from "../../parts/snippet";
import { toPage } from "../../place";

export function Waiting({ app }: { app: App }) {
  return (
    <>
      <Headline>
        <b>No beacon has arrived yet</b> for {app.id}. This page fills by itself when the first one does.
      </Headline>
      <section class="panel" aria-label="what to do next">
        <h2 class="panel-title">One tag in your pages is all it takes</h2>
        <Snippet code={scriptTag(location.origin, app)} />
        <p class="soft" style={{ marginTop: "12px" }}>
          <a class="link" href={toPage({ page: "install" })}>
            Install
          </a>{" "}
          has other ways to send, a line to try it with, and says why a beacon was refused.
        </p>
      </section>
    </>
  );
}
