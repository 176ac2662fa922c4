/** The time range as a heat map of LCP, with releases and flags. A drag on it goes on in Explore. */

import type { App } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import { HeatmapChart } from "../../charts/heatmap-chart";
import * as format from "../../format";
import { span } from "../../live";
import { aboutHere, CHART_COLUMNS, type KnownMetrics, PAGE_VIEW, stepHere } from "../../metrics";
import { Answered, Panel } from "../../parts/panel";
import { Bone, Nothing } from "../../parts/states";
import { SeriesTable } from "../../parts/tables";
import { place, toPage, visit } from "../../place";
import { stepName } from "../../range";
import { filtersName } from "../../slices";
import { dark } from "../../theme";

const METRIC = "LCP";
const HEIGHT = 230;

export function HeatPanel({ app, metrics }: { app: App; metrics: KnownMetrics }) {
  const metric = metrics.find(METRIC);
  const about = aboutHere(app, METRIC);
  const step = stepHere(app, CHART_COLUMNS);
  const { table, filters } = place.value;
  const map = useAnswer(metric === undefined ? null : ask.heatmap(about, { step }));
  const views = useAnswer(metrics.find(PAGE_VIEW) === undefined ? null : ask.histogram(aboutHere(app, PAGE_VIEW), "0.5"));
  const flags = useAnswer(ask.anomalies(app.id, span.value, METRIC));
  const series = useAnswer(table && metric !== undefined ? ask.timeseries(about, { step, quantiles: "0.5,0.75,0.95" }) : null);
  const n = map.answer?.n ?? 0;
  const covered =
    views.answer === null || views.answer.n === 0 ? "" : ` · ${format.percent(Math.min(1, n / views.answer.n), 0)} of page views report it`;
  return (
    <Panel
      title={`Largest Contentful Paint, ${filtersName(filters)}`}
      note={
        map.answer === null
          ? undefined
          : `each ${table ? "row" : "column"} is ${stepName(map.answer.step_s)} of page views${table ? "" : `; ${dark.value ? "brighter" : "darker"} is more`} · ${format.counted(n, map.answer)}${covered}`
      }
      end={
        <a class="link" href={toPage({ page: "explore", metric: METRIC })}>
          Explore
        </a>
      }
      stale={map.stale}
    >
      {metrics.list !== null && metric === undefined ? (
        <Nothing title="No page has reported its LCP yet">
          <p>It comes with the first page that is hidden or left.</p>
        </Nothing>
      ) : (
        <Answered answer={map} bone={<Bone height={HEIGHT + 50} />}>
          {(answer) => {
            if (answer.n === 0)
              return (
                <Nothing title="No values in this time">
                  <p>Choose a longer time range, or fewer filters.</p>
                </Nothing>
              );
            if (table) return series.answer === null ? <Bone height={HEIGHT} /> : <SeriesTable series={series.answer} />;
            return (
              <HeatmapChart
                map={answer}
                metric={metric}
                anomalies={flags.answer?.anomalies ?? []}
                height={HEIGHT}
                onSelect={(select) => select !== null && visit(toPage({ page: "explore", metric: METRIC, select }))}
              />
            );
          }}
        </Answered>
      )}
    </Panel>
  );
}
