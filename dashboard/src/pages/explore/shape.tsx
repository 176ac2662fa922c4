/** The distribution of the whole range or, when a time is selected, of it against the rest. */

import { useMemo } from "preact/hooks";
import type { App, Histogram } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import type { Asking } from "../../asking";
import { type Mark, ShapeChart } from "../../charts/shape-chart";
import * as format from "../../format";
import { aboutHere } from "../../metrics";
import { Answered, Panel } from "../../parts/panel";
import { percentileName, QuantileCell, RatioBar } from "../../parts/rated";
import { Bone, Nothing } from "../../parts/states";
import { BinsTable } from "../../parts/tables";
import { place } from "../../place";
import { shares, thresholdsOf } from "../../rating";
import { binQuantile, subtract, total } from "../../statistics";

interface Props {
  app: App;
  asking: Asking;
}

const HEIGHT = 190;
const QUANTILES = "0.5,0.75,0.95";

export function ShapePanel({ app, asking: { metric } }: Props) {
  const chosen = place.value.select;
  const whole = useAnswer(ask.histogram(aboutHere(app, metric.name), QUANTILES));
  const part = useAnswer(chosen === null ? null : ask.histogram(aboutHere(app, metric.name, chosen), QUANTILES));
  const note = chosen === null ? "log axis · all of this time" : "log axis · the selected time against the rest";
  return (
    <Panel title="Distribution" note={note} stale={whole.stale || part.stale}>
      <Answered answer={whole} bone={<Bone height={HEIGHT + 130} />}>
        {(all) => {
          if (all.n === 0) return <Nothing title="No values in this time" />;
          if (chosen === null) return <Whole all={all} asking={metric} />;
          return (
            <Answered answer={part} bone={<Bone height={HEIGHT + 130} />}>
              {(some) => <Against all={all} some={some} asking={metric} />}
            </Answered>
          );
        }}
      </Answered>
    </Panel>
  );
}

const p75 = (histogram: Histogram) => histogram.quantiles.find(({ q }) => q === 0.75);

function Whole({ all, asking }: { all: Histogram; asking: Asking["metric"] }) {
  const thresholds = thresholdsOf(asking);
  const quantile = p75(all);
  const marks: Mark[] =
    quantile === undefined ? [] : [{ value: quantile.value, label: `p75 ${format.precise(quantile.value, all.unit)}`, tone: "data" }];
  return (
    <>
      {place.value.table ? (
        <BinsTable bins={all.bins} unit={all.unit} />
      ) : (
        <ShapeChart
          label={`Distribution of ${all.metric}, ${format.counted(all.n, all)}`}
          unit={all.unit}
          thresholds={thresholds}
          bins={all.bins}
          marks={marks}
          height={HEIGHT}
        />
      )}
      {all.ratings !== undefined && <Rated histogram={all} />}
      <Quantiles all={all} thresholds={thresholds} />
    </>
  );
}

function Rated({ histogram }: { histogram: Histogram }) {
  const parts = histogram.ratings === undefined ? null : shares(histogram.ratings);
  if (histogram.ratings === undefined || parts === null) return null;
  return (
    <div style={{ margin: "4px 0 8px" }}>
      <RatioBar ratings={histogram.ratings} />
      <div class="ends">
        <span>
          <span class="good" aria-hidden="true">
            ●
          </span>{" "}
          {format.percent(parts.good)} good
        </span>
        <span>
          <span class="needs" aria-hidden="true">
            ▲
          </span>{" "}
          {format.percent(parts.needs)} need work
        </span>
        <span>
          <span class="poor" aria-hidden="true">
            ◆
          </span>{" "}
          {format.percent(parts.poor)} poor
        </span>
      </div>
    </div>
  );
}

function Quantiles({ all, thresholds }: { all: Histogram; thresholds: ReturnType<typeof thresholdsOf> }) {
  return (
    <table class="dense">
      <thead>
        <tr>
          <th scope="col">{format.counted(all.n, all)}</th>
          <th scope="col" class="num">
            value
          </th>
          <th scope="col" class="num">
            95 % interval
          </th>
        </tr>
      </thead>
      <tbody>
        {all.quantiles.map((quantile) => (
          <tr key={quantile.q}>
            <td>{percentileName(quantile.q)}</td>
            <td class="num">
              <QuantileCell quantile={quantile} unit={all.unit} n={all.n} source={all.source} thresholds={thresholds} precise />
            </td>
            <td class="num soft">
              {quantile.low === undefined || quantile.high === undefined
                ? "too few"
                : format.interval(quantile.low, quantile.high, all.unit)}
            </td>
          </tr>
        ))}
        <tr>
          <td>mean</td>
          <td class="num">{all.mean === undefined ? "–" : format.precise(all.mean, all.unit)}</td>
          <td />
        </tr>
      </tbody>
    </table>
  );
}

function Against({ all, some, asking }: { all: Histogram; some: Histogram; asking: Asking["metric"] }) {
  const thresholds = thresholdsOf(asking);
  const rest = useMemo(() => subtract(all.bins, some.bins), [all, some]);
  const [own, others] = [p75(some)?.value ?? null, binQuantile(rest, 0.75)];
  const marks: Mark[] = [
    ...(others === null ? [] : [{ value: others, label: "p75 of the rest", tone: "rest" as const }]),
    ...(own === null ? [] : [{ value: own, label: "p75 selected", tone: "selection" as const }]),
  ];
  if (some.n === 0) return <Nothing title="No values in the selected time" />;
  return (
    <>
      {place.value.table ? (
        <BinsTable bins={rest} selected={some.bins} unit={all.unit} />
      ) : (
        <ShapeChart
          label={`Distribution of ${all.metric} in the selected time, n = ${format.count(some.n)}, against the rest, n = ${format.count(total(rest))}`}
          unit={all.unit}
          thresholds={thresholds}
          bins={rest}
          selected={some.bins}
          marks={marks}
          height={HEIGHT}
        />
      )}
      <table class="dense">
        <thead>
          <tr>
            <th scope="col">quantile</th>
            <th scope="col" class="num">
              <i class="swatch selection" /> selected
            </th>
            <th scope="col" class="num wide-only">
              95 % interval
            </th>
            <th scope="col" class="num" title="read off the bins of the drawing, which are 9 % wide">
              <i class="swatch rest" /> the rest
            </th>
          </tr>
        </thead>
        <tbody>
          {some.quantiles.map((quantile) => {
            const other = binQuantile(rest, quantile.q);
            return (
              <tr key={quantile.q}>
                <td>{percentileName(quantile.q)}</td>
                <td class="num">
                  <QuantileCell quantile={quantile} unit={all.unit} n={some.n} source={some.source} thresholds={thresholds} precise />
                </td>
                <td class="num soft wide-only">
                  {quantile.low === undefined || quantile.high === undefined
                    ? "too few"
                    : format.interval(quantile.low, quantile.high, all.unit)}
                </td>
                <td class="num">{other === null ? "–" : `≈ ${format.precise(other, all.unit)}`}</td>
              </tr>
            );
          })}
          <tr>
            <td>n</td>
            <td class="num">{format.count(some.n)}</td>
            <td class="wide-only" />
            <td class="num">{format.count(total(rest))}</td>
          </tr>
        </tbody>
      </table>
    </>
  );
}
