/** The answer over time: heat map, quantile lines or counts. */

import { useMemo } from "preact/hooks";
import type { App, Timeseries } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import type { Asking } from "../../asking";
import { HeatmapChart } from "../../charts/heatmap-chart";
import { type Line, quantileValues, steady, steadyStep } from "../../charts/lines";
import { LinesChart } from "../../charts/lines-chart";
import * as format from "../../format";
import { now, span } from "../../live";
import { aboutHere, CHART_COLUMNS, PAGE_VIEW, stepHere } from "../../metrics";
import { Answered, Panel } from "../../parts/panel";
import { percentileName } from "../../parts/rated";
import { Bone, Nothing } from "../../parts/states";
import { SeriesTable } from "../../parts/tables";
import { go, place } from "../../place";
import { type Span, seconds, stepName } from "../../range";
import { dimensionName, valueName } from "../../slices";
import { spanName } from "../../time";
import { toggleFilter } from "../../url";

interface Props {
  app: App;
  asking: Asking;
}

const HEIGHT = 350;
/** More lines than this can't be told apart. */
const LINES_MAX = 8;

const select = (chosen: Span | null) => go({ select: chosen });
const zoom = (chosen: Span) => go({ range: chosen, select: null });

export function OverTime({ app, asking }: Props) {
  if (place.value.table) return <AsTable app={app} asking={asking} />;
  return asking.mode === "heatmap" ? <AsHeatmap app={app} asking={asking} /> : <AsLines app={app} asking={asking} />;
}

/** The selection in words, with what can be done with it. */
function Selected() {
  const chosen = place.value.select;
  if (chosen === null) return null;
  return (
    <span class="selected">
      <i class="swatch selection" /> {spanName(chosen, now.value)}
      <button type="button" class="quiet" onClick={() => zoom(chosen)}>
        Zoom in
      </button>
      <button type="button" class="quiet" onClick={() => select(null)}>
        Clear
      </button>
    </span>
  );
}

const noValues = (
  <Nothing title="No values in this time">
    <p>Choose a longer time range, or fewer filters.</p>
  </Nothing>
);

function AsHeatmap({ app, asking: { metric } }: Props) {
  const map = useAnswer(ask.heatmap(aboutHere(app, metric.name), { step: stepHere(app, CHART_COLUMNS) }));
  const flags = useAnswer(ask.anomalies(app.id, span.value, metric.name));
  const note =
    map.answer === null
      ? undefined
      : `each column is ${stepName(map.answer.step_s)}; drag over a time to compare it with the rest · ${format.counted(map.answer.n, map.answer)}`;
  return (
    <Panel title={metric.title} note={note} end={<Selected />} stale={map.stale}>
      <Answered answer={map} bone={<Bone height={HEIGHT + 50} />}>
        {(answer) =>
          answer.n === 0 ? (
            noValues
          ) : (
            <HeatmapChart
              map={answer}
              metric={answer.metric === metric.name ? metric : undefined}
              anomalies={flags.answer?.anomalies ?? []}
              height={HEIGHT}
              select={place.value.select}
              onSelect={select}
              onZoom={zoom}
            />
          )
        }
      </Answered>
    </Panel>
  );
}

const COLOURS = ["--line-1", "--line-2", "--line-3", "--line-4"];

/** Where a line stands among the others, as colour and dash: eight of them, told apart without hue. */
const looks = (i: number) => ({ colour: COLOURS[i % COLOURS.length] ?? "--accent", dashed: i >= COLOURS.length });

function linesOf(answer: Timeseries, counts: boolean): Line[] {
  if (answer.group_by !== undefined) {
    const lines = answer.series.map((each, i) => ({
      key: each.value ?? "",
      label: valueName(each.value ?? ""),
      ...looks(i),
      band: !counts && answer.series.length <= 3,
      values: counts ? countsOf(each.points) : quantileValues(each.points, 0),
    }));
    return counts ? lines : steady(lines);
  }
  const points = answer.series[0]?.points ?? [];
  if (counts) return [{ key: "n", label: "n", colour: "--accent", values: countsOf(points) }];
  const quantiles = points.find((point) => point.quantiles.length > 0)?.quantiles ?? [];
  return steady(
    quantiles.map(({ q }, i) => ({
      key: percentileName(q),
      label: percentileName(q),
      colour: q === 0.75 ? "--accent" : "--line-3",
      width: q === 0.75 ? 2 : 1.3,
      band: true,
      values: quantileValues(points, i),
    })),
  );
}

const countsOf = (points: readonly { at: string; n: number }[]) => points.map(({ at, n }) => ({ at: seconds(at), value: n, n }));

/** The series, in wider windows where the usual ones have too few values for a quantile. */
function useSeries(app: App, { metric, mode, split }: Asking) {
  const step = stepHere(app, CHART_COLUMNS);
  const question = (wide: number) =>
    ask.timeseries(aboutHere(app, metric.name), {
      step: wide,
      quantiles: mode === "counts" ? "0.5" : split === null ? "0.5,0.75,0.95" : "0.75",
      groupBy: split ?? undefined,
      limit: LINES_MAX,
    });
  const usual = useAnswer(question(step));
  const wide = mode === "counts" || usual.answer === null ? step : steadyStep(usual.answer.series, step, span.value);
  const steady = useAnswer(wide > step ? question(wide) : null);
  return wide > step ? steady : usual;
}

function AsLines({ app, asking }: Props) {
  const { metric, mode, split, counter } = asking;
  const counts = mode === "counts";
  const series = useSeries(app, asking);
  const flags = useAnswer(ask.anomalies(app.id, span.value, metric.name));
  // releases come with heat maps only, and are as exact as the map's step
  const step = stepHere(app, CHART_COLUMNS);
  const releases = useAnswer(ask.heatmap(aboutHere(app, metric.name), { step, binsPerOctave: 4 })).answer?.releases ?? [];
  const lines = useMemo(() => (series.answer === null ? [] : linesOf(series.answer, counts)), [series.answer, counts]);
  const n = series.answer?.series.reduce((sum, each) => sum + each.n, 0) ?? 0;
  const samples = series.answer?.series.flatMap(({ points }) => points).reduce((sum, point) => sum + point.samples, 0) ?? 0;
  const hidden = (series.answer?.series_total ?? 0) - lines.length;
  const windows = `windows of ${stepName(series.answer?.step_s ?? step)}`;
  const what = counts
    ? `values in ${stepName(series.answer?.step_s ?? 60)}`
    : split === null
      ? `in ${windows}, bands: 95 % intervals`
      : `p75 in ${windows}`;
  const more = split !== null && hidden > 0 ? ` · the ${lines.length} largest of ${series.answer?.series_total ?? 0}` : "";
  return (
    <Panel
      title={split === null ? metric.title : `${metric.title} by ${dimensionName(split)}`}
      note={`${what} · ${format.counted(n, { source: series.answer?.source ?? "rollups", samples })}${more}`}
      end={<Selected />}
      stale={series.stale}
    >
      <Answered answer={series} bone={<Bone height={HEIGHT + 50} />}>
        {(answer) =>
          n === 0 ? (
            noValues
          ) : (
            <>
              <LinesChart
                label={metric.title}
                lines={lines}
                bars={counts && split === null}
                unit={counts ? "count" : answer.unit}
                span={{ from: seconds(answer.from), to: seconds(answer.to) }}
                step={answer.step_s}
                height={counter && split === null && metric.name !== PAGE_VIEW ? HEIGHT - 150 : HEIGHT}
                budget={counts ? null : (metric.good ?? null)}
                releases={releases}
                anomalies={flags.answer?.anomalies ?? []}
                filters={place.value.filters}
                select={place.value.select}
                onSelect={select}
                onZoom={zoom}
                onPick={
                  split === null ? undefined : (value) => go({ filters: toggleFilter(place.value.filters, split, value), split: null })
                }
              />
              {counter && split === null && metric.name !== PAGE_VIEW && <PerView app={app} answer={answer} />}
            </>
          )
        }
      </Answered>
    </Panel>
  );
}

/** How many of a counter's events there are per page view. */
function PerView({ app, answer }: { app: App; answer: Timeseries }) {
  const views = useAnswer(ask.timeseries(aboutHere(app, PAGE_VIEW), { step: answer.step_s, quantiles: "0.5" })).answer;
  const lines = useMemo((): Line[] => {
    const counts = new Map((answer.series[0]?.points ?? []).map(({ at, n }) => [at, n]));
    // a window that is not over yet has page views whose events are still to come
    const over = (views?.series[0]?.points ?? []).filter(({ at }) => seconds(at) + answer.step_s <= now.value);
    const values = over.map(({ at, n }) => ({ at: seconds(at), value: (counts.get(at) ?? 0) / n, n }));
    return [{ key: "rate", label: "per page view", colour: "--accent", values }];
  }, [answer, views]);
  return (
    <>
      <p class="panel-note" style={{ margin: "8px 0" }}>
        per page view
      </p>
      <LinesChart
        label={`${answer.metric} per page view`}
        lines={lines}
        unit="count"
        show={(value) => format.percent(value)}
        axis={(value) => format.percent(value)}
        span={{ from: seconds(answer.from), to: seconds(answer.to) }}
        step={answer.step_s}
        height={110}
        releases={[]}
        anomalies={[]}
        filters={{}}
        select={place.value.select}
        onSelect={select}
        onZoom={zoom}
      />
    </>
  );
}

function AsTable({ app, asking }: Props) {
  const { mode, metric } = asking;
  const series = useSeries(app, mode === "heatmap" ? { ...asking, split: null } : asking);
  return (
    <Panel
      title={metric.title}
      note={series.answer === null ? undefined : `windows of ${stepName(series.answer.step_s)}`}
      end={<Selected />}
      stale={series.stale}
    >
      <Answered answer={series} bone={<Bone height={HEIGHT} />}>
        {(answer) => (answer.series.length === 0 ? noValues : <SeriesTable series={answer} countsOnly={mode === "counts"} />)}
      </Answered>
    </Panel>
  );
}
