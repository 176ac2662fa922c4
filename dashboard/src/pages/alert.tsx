/** One alert: what is so, since when, for whom, and the evidence. */

import type { Alert as Alarm, App } from "../answer";
import { ask } from "../api";
import { useAnswer } from "../ask";
import * as format from "../format";
import { now, tick } from "../live";
import { lasted, stateLook } from "../parts/alert-row";
import { Bar } from "../parts/bar";
import { Headline } from "../parts/sentence";
import { Bone, Silent } from "../parts/states";
import { toPage } from "../place";
import { DAY, HOUR, type Span, seconds } from "../range";
import { evidence, releaseBefore, title } from "../sentence";
import { sliceFilters, sliceName } from "../slices";
import { moment } from "../time";
import { Before } from "./alert/before";
import { Happened } from "./alert/happened";
import { SliceChart, useAround } from "./alert/slice";

// the API lists alerts, and has no question for one: it is among the newest, or among this many
const LISTED = 1000;

export function Alert({ app, id }: { app: App; id: number }) {
  const newest = useAnswer(ask.alerts(app.id), tick.value);
  const listed = newest.answer?.alerts.some((each) => each.id === id) ?? true;
  const more = useAnswer(listed ? null : ask.alerts(app.id, undefined, LISTED), tick.value);
  const known = listed ? newest : more;
  if (known.refusal !== null) return <Silent app={app} refusal={known.refusal} retry={known.retry} />;
  if (known.answer === null)
    return (
      <div style={{ paddingTop: "40px", display: "grid", gap: "16px" }} aria-busy="true">
        <Bone width="60%" height={26} />
        <Bone height={260} />
      </div>
    );
  const alert = known.answer.alerts.find((each) => each.id === id);
  if (alert === undefined) {
    return (
      <>
        <Headline>
          <b>There is no alert {id}</b> among the newest {format.count(LISTED)}.
        </Headline>
        <a class="button" href={toPage({ page: "alerts" })}>
          All alerts
        </a>
      </>
    );
  }
  return <Known app={app} alert={alert} />;
}

/** When it was flagged, up to now while it is open. */
export function duringOf(alert: Alarm): Span {
  const from = seconds(alert.began);
  return { from, to: Math.max(from + 60, alert.resolved === undefined ? now.value : seconds(alert.last_flagged)) };
}

/** The time that its page shows: enough before it to see what was usual. */
export function aroundOf(alert: Alarm): Span {
  const during = duringOf(alert);
  const room = Math.min(DAY, Math.max(2 * HOUR, 1.5 * (during.to - during.from)));
  return { from: during.from - room, to: Math.min(now.value, during.to + room / 2) };
}

function Known({ app, alert }: { app: App; alert: Alarm }) {
  const around = useAround(app, alert, aroundOf(alert));
  const { shape, tone } = stateLook(alert.state);
  const release = releaseBefore(around.releases, seconds(alert.began));
  const gap = release === null ? 0 : seconds(alert.began) - seconds(release.first_seen);
  const during = duringOf(alert);
  const explore = toPage({
    page: "explore",
    metric: alert.lead.metric,
    filters: sliceFilters(alert.lead.slice),
    range: aroundOf(alert),
    select: during,
  });
  return (
    <>
      <Bar app={app} charts>
        <p class="alert-state">
          <span class={`${tone} strong`}>
            <span aria-hidden="true">{shape}</span> {alert.state}
          </span>
          <span class="soft">
            #{alert.id} · {alert.resolved === undefined ? "for" : "lasted"} {format.elapsed(lasted(alert))} · began{" "}
            {moment(seconds(alert.began), now.value)}
            {alert.resolved !== undefined && ` · resolved ${moment(seconds(alert.resolved), now.value)}`} ·{" "}
            {format.count(alert.minutes_flagged)} min flagged, at most {alert.series_max} series at once
          </span>
        </p>
      </Bar>
      <Headline>
        <b>{title(alert)}</b> <span class="soft">({evidence(alert)})</span>.
        {release !== null && (
          <>
            {" "}
            It began {gap < 60 ? "when" : `${format.elapsed(gap)} after`} release <b>{release.release}</b> was first seen.
          </>
        )}{" "}
        <a class="link" href={explore}>
          Explore {alert.lead.metric} for {sliceName(alert.lead.slice)}
        </a>
      </Headline>
      <SliceChart alert={alert} around={around} />
      <div class="grid halves">
        <Before app={app} alert={alert} during={during} />
        <Happened alert={alert} releases={around.releases} />
      </div>
    </>
  );
}
