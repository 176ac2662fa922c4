/** The overview's first line; what it needs to know is asked here, what it says is decided in `sentence.ts`. */

import type { App, Breakdown } from "../../answer";
import { ask, type Question } from "../../api";
import { type Answer, useAnswer } from "../../ask";
import { axisLabel } from "../../charts/scale";
import { now, span, tick } from "../../live";
import { aboutHere, CHART_COLUMNS, type KnownMetrics, stepHere } from "../../metrics";
import { Headline, Sentence } from "../../parts/sentence";
import { Bone, Silent } from "../../parts/states";
import { place } from "../../place";
import { coarse, weeksEarlier } from "../../range";
import { type Compared, headline, lostRoute, type Rated } from "../../sentence";
import { countedTogether } from "../../slices";

const NONE: Rated = { n: 0, samples: 0 };
const METRIC = "LCP";

export function OverviewHeadline({ app, metrics }: { app: App; metrics: KnownMetrics }) {
  const metric = metrics.find(METRIC);
  const here = aboutHere(app, METRIC);
  const then = aboutHere(app, METRIC, coarse(weeksEarlier(span.value)));
  const known = metric !== undefined;
  const rated = useAnswer(known ? ask.histogram(here) : null);
  const earlier = useAnswer(known ? ask.histogram(then) : null);
  const filtered = Object.keys(place.value.filters);
  const can = (...more: string[]) => known && countedTogether(app.together, [...new Set([...filtered, ...more])]);
  const routes = useCompared(
    can("route"),
    (when) => ask.breakdown({ ...here, ...when }, { by: "route", order: "over_good", limit: 20 }),
    here,
    then,
  );
  const firing = useAnswer(ask.alerts(app.id, "firing"), tick.value);
  const pending = useAnswer(ask.alerts(app.id, "pending"), tick.value);
  const map = useAnswer(known ? ask.heatmap(here, { step: stepHere(app, CHART_COLUMNS) }) : null);

  const before = earlier.answer ?? (earlier.refusal === null ? null : NONE);
  const lost = rated.answer === null ? null : lostRoute({ rated: rated.answer, earlier: before, routes });
  const within = (about: typeof here) => ({ ...about, filters: { ...about.filters, route: [lost?.value ?? ""] } });
  const browsers = useCompared(
    lost !== null && can("route", "browser"),
    (when) => ask.breakdown(within({ ...here, ...when }), { by: "browser", limit: 20 }),
    here,
    then,
  );

  if (rated.refusal !== null) return <Silent app={app} refusal={rated.refusal} retry={rated.retry} />;
  const waiting = metrics.list === null || (known && (rated.answer === null || before === null)) || firing.answer === null;
  if (waiting && metrics.answer.refusal === null) {
    return (
      <div class="sentence" aria-busy="true">
        <Bone width="min(46em, 92%)" height={20} />
        <Bone width="min(30em, 60%)" height={20} />
      </div>
    );
  }
  const parts = headline({
    span: span.value,
    now: now.value,
    budget: axisLabel(metric?.good ?? 2500, "ms"),
    rated: rated.answer ?? NONE,
    earlier: before,
    routes,
    browsers,
    releases: map.answer?.releases ?? [],
    open: [...(firing.answer?.alerts ?? []), ...(pending.answer?.alerts ?? [])],
  });
  return (
    <Headline>
      <Sentence parts={parts} />
    </Headline>
  );
}

type When = Pick<ReturnType<typeof aboutHere>, "span">;

/** A breakdown now and in the time compared with; `null` until both are known. */
function useCompared(asks: boolean, question: (when: When) => Question<Breakdown>, here: When, then: When): Compared | null {
  const late = useAnswer(asks ? question({ span: here.span }) : null);
  const early = useAnswer(asks ? question({ span: then.span }) : null);
  const rows = (answer: Answer<Breakdown>) => answer.answer?.rows ?? [];
  return late.answer === null || early.answer === null ? null : { now: rows(late), earlier: rows(early) };
}
