/** Where people wait longest beyond the budget, summed over all of them. */

import type { App, Breakdown, Metric } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import { sharedAxis } from "../../charts/distribution";
import { axisLabel } from "../../charts/scale";
import { SmallShape } from "../../charts/small-shape";
import * as format from "../../format";
import { aboutHere, type KnownMetrics } from "../../metrics";
import { Answered, Panel } from "../../parts/panel";
import { ESTIMATE, QuantileCell } from "../../parts/rated";
import { Nothing, RowBones } from "../../parts/states";
import { place, toPage } from "../../place";
import { thresholdsOf } from "../../rating";
import { valueName } from "../../slices";

const METRIC = "LCP";
const ROWS = 6;

export function Routes({ app, metrics }: { app: App; metrics: KnownMetrics }) {
  const metric = metrics.find(METRIC);
  const rows = useAnswer(
    metric === undefined ? null : ask.breakdown(aboutHere(app, METRIC), { by: "route", order: "over_good", limit: 20 }),
  );
  const budget = axisLabel(metric?.good ?? 2500, "ms");
  return (
    <Panel
      title="Routes by time lost"
      note={`waiting beyond the ${budget} budget, LCP, all users together${rows.answer?.source === "samples" ? ` · ${ESTIMATE}` : ""}`}
      stale={rows.stale}
    >
      {metrics.list !== null && metric === undefined ? (
        <Nothing title="No page has reported its LCP yet" />
      ) : (
        <Answered answer={rows} bone={<RowBones rows={ROWS} />}>
          {(answer) => <RoutesTable answer={answer} metric={metric} />}
        </Answered>
      )}
    </Panel>
  );
}

function RoutesTable({ answer, metric }: { answer: Breakdown; metric: Metric | undefined }) {
  const thresholds = thresholdsOf(metric);
  const shown = answer.rows.slice(0, ROWS);
  const axis = sharedAxis(shown, thresholds);
  if (shown.length === 0)
    return (
      <Nothing title="No values in this time">
        <p>Choose a longer time range, or fewer filters.</p>
      </Nothing>
    );
  const { filters } = place.value;
  return (
    <>
      <div class="table-box rows-link">
        <table>
          <thead>
            <tr>
              <th scope="col">route</th>
              <th scope="col" class="cell-shape">
                distribution
              </th>
              <th scope="col" class="num">
                p75
              </th>
              <th scope="col" class="num">
                n
              </th>
              <th scope="col" class="num">
                lost
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.value}>
                <td class="cell-name mono">
                  <a href={toPage({ page: "explore", metric: METRIC, filters: { ...filters, route: [row.value] } })} title={row.value}>
                    {valueName(row.value)}
                  </a>
                </td>
                <td class="cell-shape">
                  <SmallShape bins={row.bins} axis={axis} />
                </td>
                <td class="num">
                  <QuantileCell quantile={row.quantiles[0]} unit={answer.unit} n={row.n} source={answer.source} thresholds={thresholds} />
                </td>
                <td class="num" title={`${format.count(row.n)} values, ${format.percent(row.share)} of all`}>
                  {format.compact(row.n)}
                </td>
                <td class="num" title="summed over all of them">
                  {format.lasting(row.over_good ?? 0)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {answer.rows_total > shown.length && (
        <p class="panel-note" style={{ marginTop: "8px" }}>
          and {format.count(answer.rows_total - shown.length)} more:{" "}
          <a class="link" href={toPage({ page: "explore", metric: METRIC, by: ["route"] })}>
            all routes
          </a>
        </p>
      )}
    </>
  );
}
