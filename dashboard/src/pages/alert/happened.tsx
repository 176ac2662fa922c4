/** What happened, in the order in which it did. */

import type { Alert, Release } from "../../answer";
import { now } from "../../live";
import { stateLook } from "../../parts/alert-row";
import { Panel } from "../../parts/panel";
import { seconds } from "../../range";
import { evidence } from "../../sentence";
import { clockSeconds, date } from "../../time";

const DELIVERIES: Record<string, { words: string; tone: string }> = {
  not_needed: { words: "nobody was to be told", tone: "third" },
  due: { words: "… being told to the webhook", tone: "needs" },
  done: { words: "✓ webhook told", tone: "good" },
  failed: { words: "✕ the webhook could not be told", tone: "poor" },
};

export function Happened({ alert, releases }: { alert: Alert; releases: readonly Release[] }) {
  const rows = [
    ...releases.map(({ release, first_seen }) => ({
      at: seconds(first_seen),
      what: (
        <>
          release <b>{release}</b> first seen
        </>
      ),
    })),
    {
      at: seconds(alert.began),
      what: (
        <>
          first flagged minute <span class="soft">{evidence(alert)}</span>
        </>
      ),
    },
    ...alert.changes.map((change) => {
      const { tone, shape } = stateLook(change.state);
      const delivery = DELIVERIES[change.delivery];
      return {
        at: seconds(change.at),
        what: (
          <>
            <span class={`${tone} strong`}>
              <span aria-hidden="true">{shape}</span> {change.state}
            </span>{" "}
            <span class={delivery?.tone ?? "soft"}>{delivery?.words ?? change.delivery}</span>
          </>
        ),
      };
    }),
  ].sort((a, b) => a.at - b.at);
  return (
    <Panel title="What happened">
      <div class="happened">
        {rows.map((row, i) => (
          <>
            <time key={`at ${i}`} dateTime={new Date(row.at * 1000).toISOString()}>
              {date(row.at) === date(now.value) ? "" : `${date(row.at)} `}
              {clockSeconds(row.at)}
            </time>
            <div key={`what ${i}`}>{row.what}</div>
          </>
        ))}
      </div>
    </Panel>
  );
}
