/** An alert in a list. */

import type { Alert } from "../answer";
import * as format from "../format";
import { now } from "../live";
import { toPage } from "../place";
import { seconds } from "../range";
import { evidence, title } from "../sentence";
import { moment } from "../time";

/** How each state looks; beside the word, never instead of it. */
export const STATE_LOOKS: Record<string, { shape: string; tone: string }> = {
  firing: { shape: "◆", tone: "poor" },
  pending: { shape: "▲", tone: "needs" },
  resolved: { shape: "●", tone: "good" },
};

export const stateLook = (state: string) => STATE_LOOKS[state] ?? { shape: "○", tone: "soft" };

/** How long it has lasted, or lasted, in seconds. */
export const lasted = (alert: Alert): number => (alert.resolved === undefined ? now.value : seconds(alert.resolved)) - seconds(alert.began);

export function AlertRow({ alert }: { alert: Alert }) {
  const { shape, tone } = stateLook(alert.state);
  return (
    <li class="alert-row">
      <span class={tone} aria-hidden="true">
        {shape}
      </span>
      <div>
        <a class="alert-sentence" href={toPage({ page: "alert", alert: alert.id })}>
          {title(alert)}
        </a>
        <div class="soft">
          {evidence(alert)} · began {moment(seconds(alert.began), now.value)}
        </div>
      </div>
      <div class="alert-end">
        <div class={tone}>{alert.state}</div>
        <div title={`${format.count(alert.minutes_flagged)} minutes flagged, at most ${alert.series_max} series at once`}>
          {format.elapsed(lasted(alert))}
        </div>
      </div>
    </li>
  );
}
