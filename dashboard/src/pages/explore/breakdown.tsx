/** One dimension's values: their distributions on one axis, p75, what changed, and how many. A row filters. */

import { useState } from "preact/hooks";
import type { App, Breakdown, BreakdownRow } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import type { Asking } from "../../asking";
import { ENOUGH_FOR_SHAPE, sharedAxis } from "../../charts/distribution";
import { SmallShape } from "../../charts/small-shape";
import * as format from "../../format";
import { span } from "../../live";
import { aboutHere, PAGE_VIEW } from "../../metrics";
import { Answered } from "../../parts/panel";
import { ESTIMATE, QuantileCell } from "../../parts/rated";
import { Nothing, RowBones } from "../../parts/states";
import { place, to } from "../../place";
import { before, coarse, lengthNoun, lengthOf } from "../../range";
import { thresholdsOf } from "../../rating";
import { dimensionName, valueName } from "../../slices";
import { unlike } from "../../statistics";
import { toggleFilter } from "../../url";

const ROWS = 6;
const ALL_ROWS = 200;

/** The time that is broken down, what it is compared with, and both in words. */
const spanHere = () => place.value.select ?? span.value;

export function useNote(): string {
  const over = spanHere();
  const before = `the ${lengthNoun(lengthOf(over))} before`;
  return `click to filter · ${place.value.select === null ? `change against ${before}` : `the selected time against ${before} (grey)`}`;
}

interface Props {
  app: App;
  asking: Asking;
  dimension: string;
}

export function BreakdownTable({ app, asking, dimension }: Props) {
  const [all, setAll] = useState(false);
  const { metric, counter } = asking;
  const over = spanHere();
  const more = { by: dimension, limit: all ? ALL_ROWS : ROWS };
  // the time before is asked about coarsely, so that its answer can stay for a while
  const earlier = coarse(before(over));
  const now = useAnswer(ask.breakdown(aboutHere(app, metric.name, over), more));
  const then = useAnswer(ask.breakdown(aboutHere(app, metric.name, earlier), { ...more, limit: ALL_ROWS }));
  const views = useAnswer(
    counter && metric.name !== PAGE_VIEW ? ask.breakdown(aboutHere(app, PAGE_VIEW, over), { ...more, limit: ALL_ROWS }) : null,
  );
  const viewsThen = useAnswer(
    counter && metric.name !== PAGE_VIEW ? ask.breakdown(aboutHere(app, PAGE_VIEW, earlier), { ...more, limit: ALL_ROWS }) : null,
  );
  return (
    <Answered answer={now} bone={<RowBones rows={ROWS} />}>
      {(answer) => {
        if (answer.rows.length === 0) return <Nothing title="No values in this time" />;
        const rowsThen = new Map(then.answer?.rows.map((row) => [row.value, row]));
        return (
          <div class={now.stale ? "stale" : undefined}>
            {counter ? (
              <CountRows
                answer={answer}
                then={rowsThen}
                views={viewsOf(views.answer)}
                viewsThen={viewsOf(viewsThen.answer)}
                ofViews={metric.name !== PAGE_VIEW}
              />
            ) : (
              <ShapeRows answer={answer} then={rowsThen} asking={asking} />
            )}
            {answer.source === "samples" && <p class="panel-note">{ESTIMATE}</p>}
            {!all && answer.rows_total > answer.rows.length && (
              <button type="button" class="quiet" style={{ margin: "6px -8px 0" }} onClick={() => setAll(true)}>
                Show all {format.count(Math.min(ALL_ROWS, answer.rows_total))}
              </button>
            )}
          </div>
        );
      }}
    </Answered>
  );
}

const viewsOf = (answer: Breakdown | null) => new Map(answer?.rows.map((row) => [row.value, row.n]));

function NameCell({ by, value }: { by: string; value: string }) {
  const { filters } = place.value;
  const chosen = filters[by]?.includes(value) ?? false;
  const words = `${chosen ? "remove the filter" : "filter"} on ${dimensionName(by)} ${valueName(value)}`;
  return (
    <td class="cell-name">
      <a
        class="mono"
        href={to({ filters: toggleFilter(filters, by, value) })}
        title={`${value}: ${words}`}
        aria-label={`${valueName(value)}: ${words}`}
      >
        {chosen ? "✓ " : ""}
        {valueName(value)}
      </a>
    </td>
  );
}

const NOTHING: Pick<BreakdownRow, "bins" | "samples"> = { bins: [], samples: 0 };

function ShapeRows({ answer, then, asking }: { answer: Breakdown; then: Map<string, BreakdownRow>; asking: Asking }) {
  const thresholds = thresholdsOf(asking.metric);
  // a selected time is drawn over what it is compared with, as everywhere, where that is enough to have a shape
  const earlier = (value: string) => {
    const row = then.get(value);
    return row === undefined || row.samples < ENOUGH_FOR_SHAPE ? NOTHING : row;
  };
  const drawn = answer.rows.map((row) => ({ row, before: place.value.select === null ? undefined : earlier(row.value) }));
  const axis = sharedAxis(
    answer.rows,
    thresholds,
    drawn.flatMap(({ before }) => before ?? []),
  );
  return (
    <div class="table-box rows-link">
      <table>
        <thead>
          <tr>
            <th scope="col">{dimensionName(answer.by)}</th>
            <th scope="col" class="cell-shape">
              distribution
            </th>
            <th scope="col" class="num">
              p75
            </th>
            <th scope="col" class="num wide-only">
              ±
            </th>
            <th scope="col" class="num">
              change
            </th>
            <th scope="col" class="num">
              share
            </th>
          </tr>
        </thead>
        <tbody>
          {drawn.map(({ row, before }) => {
            const [quantile] = row.quantiles;
            return (
              <tr key={row.value}>
                <NameCell by={answer.by} value={row.value} />
                <td class="cell-shape">
                  <SmallShape bins={row.bins} axis={axis} {...(before === undefined ? {} : { against: before.bins })} />
                </td>
                <td class="num">
                  <QuantileCell quantile={quantile} unit={answer.unit} n={row.n} source={answer.source} thresholds={thresholds} />
                </td>
                <td class="num soft wide-only">
                  {quantile?.low === undefined || quantile.high === undefined
                    ? "–"
                    : format.plusMinus(quantile.low, quantile.high, quantile.value, answer.unit).slice(1)}
                </td>
                <ChangeCell row={row} earlier={then.get(row.value)} unit={answer.unit} />
                <td class="num" title={`n = ${format.count(row.n)}`}>
                  {format.percent(row.share, row.share < 0.1 ? 1 : 0)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function ChangeCell({ row, earlier, unit }: { row: BreakdownRow; earlier: BreakdownRow | undefined; unit: Breakdown["unit"] }) {
  const [a, b] = [row.quantiles[0], earlier?.quantiles[0]];
  if (a === undefined || b === undefined)
    return (
      <td class="num third" title="nothing before to compare with">
        –
      </td>
    );
  const sure =
    a.low !== undefined && a.high !== undefined && b.low !== undefined && b.high !== undefined && (a.low > b.high || a.high < b.low);
  const words = `p75 ${format.value(b.value, unit)} before (n = ${format.count(earlier?.n ?? 0)}), ${format.value(a.value, unit)} now (n = ${format.count(row.n)})${sure ? "" : "; the intervals overlap, so it may be chance"}`;
  return (
    <td class={sure ? "num" : "num third"} title={words}>
      {format.change(a.value - b.value, unit)}
    </td>
  );
}

interface CountProps {
  answer: Breakdown;
  then: Map<string, BreakdownRow>;
  views: Map<string, number>;
  viewsThen: Map<string, number>;
  /** Whether it is counted per page view. */
  ofViews: boolean;
}

function CountRows({ answer, then, views, viewsThen, ofViews }: CountProps) {
  const most = Math.max(...answer.rows.map((row) => row.n), 1);
  return (
    <div class="table-box rows-link">
      <table>
        <thead>
          <tr>
            <th scope="col">{dimensionName(answer.by)}</th>
            <th scope="col" class="cell-shape wide-only">
              how many
            </th>
            <th scope="col" class="num">
              n
            </th>
            {ofViews && (
              <th scope="col" class="num">
                per page view
              </th>
            )}
            <th scope="col" class="num">
              change
            </th>
            <th scope="col" class="num wide-only">
              share
            </th>
          </tr>
        </thead>
        <tbody>
          {answer.rows.map((row) => {
            const [v, vThen, earlier] = [views.get(row.value) ?? 0, viewsThen.get(row.value) ?? 0, then.get(row.value)?.n ?? 0];
            const ratio = ofViews ? row.n / v / (earlier / vThen) : row.n / earlier;
            const sure = unlike(ratio, row.samples, then.get(row.value)?.samples ?? 0);
            return (
              <tr key={row.value}>
                <NameCell by={answer.by} value={row.value} />
                <td class="cell-shape wide-only">
                  <i class="count-bar" style={{ width: `${(row.n / most) * 100}%` }} />
                </td>
                <td class="num" title={format.count(row.n)}>
                  {format.compact(row.n)}
                </td>
                {ofViews && (
                  <td class="num" title={`of ${format.count(v)} page views`}>
                    {v === 0 ? "–" : format.percent(row.n / v, 2)}
                  </td>
                )}
                <td class={sure ? "num" : "num third"} title={`${format.count(earlier)} before${sure ? "" : "; it may be chance"}`}>
                  {Number.isFinite(ratio) && earlier > 0 ? format.ratioChange(ratio) : "–"}
                </td>
                <td class="num wide-only">{format.percent(row.share, row.share < 0.1 ? 1 : 0)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
