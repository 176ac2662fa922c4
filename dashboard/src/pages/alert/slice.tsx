/** The alert's slice over time, against everyone else. */

import { useMemo } from "preact/hooks";
import type { Alert, Anomaly, App, Heatmap, Release, Timeseries } from "../../answer";
import { type About, ask } from "../../api";
import { type Answer, useAnswer } from "../../ask";
import { binsOf, gridOf } from "../../charts/heatmap";
import { type Line, type LineValue, quantileValues, steady } from "../../charts/lines";
import { LinesChart } from "../../charts/lines-chart";
import * as format from "../../format";
import { now } from "../../live";
import { CHART_COLUMNS, PAGE_VIEW, stepHere, useMetrics } from "../../metrics";
import { Answered, Panel } from "../../parts/panel";
import { Bone } from "../../parts/states";
import { LinesTable } from "../../parts/tables";
import { place } from "../../place";
import { type Span, seconds } from "../../range";
import { sliceFilters, sliceLabel, sliceName } from "../../slices";
import { binQuantile, subtract, total } from "../../statistics";

export interface Around {
  span: Span;
  step: number;
  slice: Answer<Timeseries>;
  lines: Line[];
  releases: readonly Release[];
  anomalies: readonly Anomaly[];
  /** The good threshold. */
  budget: number | null;
  counter: boolean;
}

const RATE_COLUMNS = 60;
// fine enough that a quantile read off the bins is off by one or two percent
const FINE = 16;

export function useAround(app: App, alert: Alert, span: Span): Around {
  const { metric, slice, unit } = alert.lead;
  const counter = unit === "count";
  // a rate of few events in a narrow window says little
  const step = stepHere(app, counter ? RATE_COLUMNS : CHART_COLUMNS, span);
  const all: About = { app: app.id, metric, filters: {}, span };
  const some: About = { ...all, filters: sliceFilters(slice) };
  const everyone = Object.keys(slice).length === 0;
  const known = useMetrics(app).find(metric);
  const ofSlice = useAnswer(ask.timeseries(some, { step }));
  const wholeMap = useAnswer(ask.heatmap(all, { step, binsPerOctave: FINE }));
  const sliceMap = useAnswer(counter || everyone ? null : ask.heatmap(some, { step, binsPerOctave: FINE }));
  const flags = useAnswer(ask.anomalies(app.id, span, metric));
  const rates = useRates(counter && metric !== PAGE_VIEW, all, some, step);

  const lines = useMemo((): Line[] => {
    const own = counter ? rates.slice : quantileValues(ofSlice.answer?.series[0]?.points ?? [], 0);
    const rest = counter ? rates.rest : everyone ? [] : restQuantiles(wholeMap.answer, sliceMap.answer);
    const line: Line = { key: "slice", label: sliceLabel(slice), colour: "--selection", width: 2, band: !counter, values: own };
    return [
      ...(rest.length === 0 ? [] : [{ key: "rest", label: "everyone else", colour: "--rest", values: rest }]),
      ...(counter ? [line] : steady([line])),
    ];
  }, [ofSlice.answer, wholeMap.answer, sliceMap.answer, rates.slice, rates.rest]);

  return {
    span: ofSlice.answer === null ? span : { from: seconds(ofSlice.answer.from), to: seconds(ofSlice.answer.to) },
    step,
    slice: ofSlice,
    lines,
    releases: wholeMap.answer?.releases ?? [],
    anomalies: (flags.answer?.anomalies ?? []).filter((flag) => sliceName(flag.slice) === sliceName(slice)),
    budget: known?.good ?? null,
    counter,
  };
}

/** p75 of those outside the slice: the difference of two heat maps, column by column. */
function restQuantiles(whole: Heatmap | null, part: Heatmap | null): LineValue[] {
  if (whole === null || part === null || whole.from !== part.from || whole.step_s !== part.step_s) return [];
  const [all, some] = [gridOf(whole), gridOf(part)];
  return Array.from({ length: all.columns }, (_, c) => c).flatMap((c) => {
    const bins = subtract(binsOf(all, c, c + 1), binsOf(some, c, c + 1));
    const value = binQuantile(bins, 0.75);
    return value === null ? [] : [{ at: all.span.from + c * all.step, value, n: total(bins) }];
  });
}

const NO_RATES: { slice: LineValue[]; rest: LineValue[] } = { slice: [], rest: [] };

/** For counters: how many there are per page view, in the slice and outside it. */
function useRates(asks: boolean, all: About, some: About, step: number) {
  const views = (about: About) => (asks ? ask.timeseries({ ...about, metric: PAGE_VIEW }, { step, quantiles: "0.5" }) : null);
  const [whole, wholeViews] = [useAnswer(asks ? ask.timeseries(all, { step, quantiles: "0.5" }) : null), useAnswer(views(all))];
  const [part, partViews] = [useAnswer(asks ? ask.timeseries(some, { step, quantiles: "0.5" }) : null), useAnswer(views(some))];
  return useMemo(() => {
    if (whole.answer === null || wholeViews.answer === null || part.answer === null || partViews.answer === null) return NO_RATES;
    const counts = (of: Timeseries) => new Map((of.series[0]?.points ?? []).map((point) => [seconds(point.at), point.n]));
    const [a, av, p, pv] = [counts(whole.answer), counts(wholeViews.answer), counts(part.answer), counts(partViews.answer)];
    // a window that is not over yet has page views whose errors are still to come
    const over = (at: number) => at + step <= now.value;
    const rate = (at: number, n: number, of: number): LineValue[] => (of > 0 && over(at) ? [{ at, value: n / of, n }] : []);
    return {
      slice: [...pv].flatMap(([at, of]) => rate(at, p.get(at) ?? 0, of)),
      rest: [...av].flatMap(([at, of]) => rate(at, (a.get(at) ?? 0) - (p.get(at) ?? 0), of - (pv.get(at) ?? 0))),
    };
  }, [whole.answer, wholeViews.answer, part.answer, partViews.answer]);
}

export function SliceChart({ alert, around }: { alert: Alert; around: Around }) {
  const { metric, unit, slice } = alert.lead;
  const show = (value: number) => (around.counter ? format.percent(value) : format.precise(value, unit));
  const title = around.counter ? `${metric} per page view, the slice and everyone else` : `p75 of ${metric}, the slice and everyone else`;
  return (
    <div class="grid">
      <Panel
        title={title}
        note={around.counter ? undefined : "band: 95 % interval · red bars below: minutes that were flagged"}
        stale={around.slice.stale}
      >
        <Answered answer={around.slice} bone={<Bone height={260} />}>
          {() =>
            place.value.table ? (
              <LinesTable lines={around.lines} label={`${title}, as a table`} show={show} />
            ) : (
              <LinesChart
                label={title}
                lines={around.lines}
                unit={unit}
                show={show}
                {...(around.counter ? { axis: show } : {})}
                span={around.span}
                step={around.step}
                height={200}
                budget={around.budget}
                releases={around.releases}
                anomalies={around.anomalies}
                filters={sliceFilters(slice)}
              />
            )
          }
        </Answered>
      </Panel>
    </div>
  );
}
