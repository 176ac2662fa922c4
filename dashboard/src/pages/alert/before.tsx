/** The slice's distribution during the alert, against before it. */

import type { Alert, App } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import { ShapeChart } from "../../charts/shape-chart";
import * as format from "../../format";
import { PAGE_VIEW, useMetrics } from "../../metrics";
import { Answered, Panel } from "../../parts/panel";
import { Bone, Nothing } from "../../parts/states";
import { BinsTable } from "../../parts/tables";
import { place } from "../../place";
import { DAY, HOUR, lengthNoun, type Span } from "../../range";
import { thresholdsOf } from "../../rating";
import { sliceFilters } from "../../slices";

interface Props {
  app: App;
  alert: Alert;
  during: Span;
}

/** What it is compared with: as long, but long enough to know what was usual, and at most a day. */
export function beforeOf(during: Span): Span {
  const length = Math.min(DAY, Math.max(6 * HOUR, during.to - during.from));
  return { from: during.from - length, to: during.from };
}

export function Before({ app, alert, during }: Props) {
  return alert.lead.unit === "count" ? (
    <CountsBefore app={app} alert={alert} during={during} />
  ) : (
    <ShapeBefore app={app} alert={alert} during={during} />
  );
}

function ShapeBefore({ app, alert, during }: Props) {
  const { metric, unit, slice } = alert.lead;
  const before = beforeOf(during);
  const about = { app: app.id, metric, filters: sliceFilters(slice) };
  const after = useAnswer(ask.histogram({ ...about, span: during }));
  const usual = useAnswer(ask.histogram({ ...about, span: before }));
  const thresholds = thresholdsOf(useMetrics(app).find(metric));
  const [now75, then75] = [after.answer?.quantiles.find(({ q }) => q === 0.75), usual.answer?.quantiles.find(({ q }) => q === 0.75)];
  const words =
    now75 === undefined || then75 === undefined
      ? undefined
      : `p75 ${format.value(then75.value, unit)} → ${format.value(now75.value, unit)}`;
  return (
    <Panel title="During, against before" note={words} stale={after.stale || usual.stale}>
      <Answered answer={after} bone={<Bone height={220} />}>
        {(hit) => (
          <Answered answer={usual} bone={<Bone height={220} />}>
            {(calm) =>
              hit.n === 0 ? (
                <Nothing title="No values of this slice in that time" />
              ) : (
                <>
                  {place.value.table ? (
                    <BinsTable bins={calm.bins} selected={hit.bins} unit={unit} names={["during", "before"]} />
                  ) : (
                    <ShapeChart
                      label={`${metric} of the slice during the alert, n = ${format.count(hit.n)}, against before, n = ${format.count(calm.n)}. ${words ?? ""}`}
                      unit={unit}
                      thresholds={thresholds}
                      bins={calm.bins}
                      selected={hit.bins}
                      marks={[
                        ...(then75 === undefined ? [] : [{ value: then75.value, label: "p75 before", tone: "rest" as const }]),
                        ...(now75 === undefined ? [] : [{ value: now75.value, label: "p75 during", tone: "selection" as const }]),
                      ]}
                      height={170}
                    />
                  )}
                  <div class="legend">
                    <span>
                      <i class="swatch selection" />
                      during, n = {format.count(hit.n)}
                    </span>
                    <span>
                      <i class="swatch rest" />
                      the {lengthNoun(before.to - before.from)} before, n = {format.count(calm.n)}
                    </span>
                  </div>
                </>
              )
            }
          </Answered>
        )}
      </Answered>
    </Panel>
  );
}

function CountsBefore({ app, alert, during }: Props) {
  const { metric, slice } = alert.lead;
  const before = beforeOf(during);
  const about = { app: app.id, filters: sliceFilters(slice) };
  const count = (span: Span, of: string) => useAnswer(ask.histogram({ ...about, metric: of, span }, "0.5"));
  const [hit, hitViews, calm, calmViews] = [
    count(during, metric),
    count(during, PAGE_VIEW),
    count(before, metric),
    count(before, PAGE_VIEW),
  ];
  const row = (name: string, span: Span, n: number, views: number) => (
    <tr>
      <td>{name}</td>
      <td class="num">{format.count(n)}</td>
      <td class="num">{format.digits3(n / ((span.to - span.from) / HOUR))}</td>
      <td class="num">{views === 0 ? "–" : format.percent(n / views)}</td>
      <td class="num">{format.count(views)}</td>
    </tr>
  );
  return (
    <Panel title="During, against before" note="of the same slice">
      <Answered answer={hit} bone={<Bone height={110} />}>
        {(answer) => (
          <div class="table-box">
            <table>
              <thead>
                <tr>
                  <th scope="col">time</th>
                  <th scope="col" class="num">
                    {metric}
                  </th>
                  <th scope="col" class="num">
                    an hour
                  </th>
                  <th scope="col" class="num">
                    per page view
                  </th>
                  <th scope="col" class="num">
                    page views
                  </th>
                </tr>
              </thead>
              <tbody>
                {row("during", during, answer.n, hitViews.answer?.n ?? 0)}
                {row(`the ${lengthNoun(before.to - before.from)} before`, before, calm.answer?.n ?? 0, calmViews.answer?.n ?? 0)}
              </tbody>
            </table>
          </div>
        )}
      </Answered>
    </Panel>
  );
}
