/** The Core Web Vitals and their kin, a card each. */

import type { App, Histogram, Metric, Timeseries } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import { Sparkline } from "../../charts/sparkline";
import * as format from "../../format";
import { now } from "../../live";
import { aboutHere, type KnownMetrics, PAGE_VIEW, stepHere, TREND_COLUMNS, VITALS } from "../../metrics";
import { Panel } from "../../parts/panel";
import { quantileWords, RatingWord, RatioBar } from "../../parts/rated";
import { Bone } from "../../parts/states";
import { place, toPage } from "../../place";
import { seconds } from "../../range";
import { rate, shares, thresholdsOf } from "../../rating";

interface Props {
  app: App;
  metrics: KnownMetrics;
}

export function Vitals({ app, metrics }: Props) {
  const views = useAnswer(metrics.find(PAGE_VIEW) === undefined ? null : ask.histogram(aboutHere(app, PAGE_VIEW), "0.5"));
  const n = views.answer?.n ?? null;
  if (place.value.table) {
    return (
      <div class="grid">
        <Panel title="Web Vitals" note="p75 with its 95 % interval">
          <VitalsTable app={app} metrics={metrics} views={n} />
        </Panel>
      </div>
    );
  }
  return (
    <section class="grid cards" aria-label="Web Vitals">
      {VITALS.map((name) => (
        <Card key={name} app={app} name={name} metric={metrics.find(name)} known={metrics.list !== null} views={n} />
      ))}
    </section>
  );
}

const useVital = (app: App, name: string, metric: Metric | undefined) =>
  useAnswer(metric === undefined ? null : ask.histogram(aboutHere(app, name)));

const p75 = (histogram: Histogram) => histogram.quantiles.find(({ q }) => q === 0.75);

/** The part of page views that reported it. A metric's values come a little after the page view's, so it can pass 1. */
const coverage = (n: number, views: number | null): string =>
  views === null || views === 0 ? "–" : format.percent(Math.min(1, n / views), 0);

interface CardProps {
  app: App;
  name: string;
  metric: Metric | undefined;
  known: boolean;
  views: number | null;
}

function Card({ app, name, metric, known, views }: CardProps) {
  const histogram = useVital(app, name, metric);
  const trend = useAnswer(metric === undefined ? null : ask.timeseries(aboutHere(app, name), { step: stepHere(app, TREND_COLUMNS) }));
  const { answer } = histogram;
  if (histogram.refusal !== null) return <Unavailable name={name} words={histogram.refusal.detail} retry={histogram.retry} />;
  if (!known || (metric !== undefined && answer === null)) return <CardBones name={name} />;
  if (metric === undefined || answer === null || answer.n === 0)
    return <Unavailable name={name} words={metric === undefined ? "not measured yet" : "no value in this time"} />;
  const url = toPage({ page: "explore", metric: name });
  return (
    <a class={histogram.stale ? "panel card stale" : "panel card"} href={url} title={`${metric.title}: explore it`}>
      <Figures metric={metric} histogram={answer} />
      <Trend trend={trend.answer} />
      <div class="ends">
        <span title={format.counted(answer.n, answer)}>
          n {answer.source === "samples" ? "≈ " : ""}
          {format.compact(answer.n)}
        </span>
        <span title={views ? `${format.count(answer.n)} of ${format.count(views)} page views reported it` : "page views are not counted"}>
          coverage {coverage(answer.n, views)}
        </span>
      </div>
    </a>
  );
}

function Figures({ metric, histogram }: { metric: Metric; histogram: Histogram }) {
  const quantile = p75(histogram);
  const thresholds = thresholdsOf(metric);
  const parts = histogram.ratings === undefined ? null : shares(histogram.ratings);
  return (
    <>
      <div class="card-head">
        <span class="name">{metric.name} · p75</span>
        {quantile !== undefined &&
          thresholds !== null &&
          (quantile.low === undefined ? (
            <span class="soft">too few to say</span>
          ) : (
            <RatingWord rating={rate(quantile.value, thresholds)} />
          ))}
      </div>
      {quantile !== undefined && (
        <div class="figure" title={quantileWords(quantile, histogram.unit, histogram.n, histogram.source)}>
          {format.value(quantile.value, histogram.unit)}{" "}
          <small>
            {quantile.low === undefined || quantile.high === undefined
              ? ""
              : format.plusMinus(quantile.low, quantile.high, quantile.value, histogram.unit)}
          </small>
        </div>
      )}
      {histogram.ratings !== undefined && <RatioBar ratings={histogram.ratings} />}
      {parts !== null && (
        <div class="ends">
          <span>{format.percent(parts.good, 0)} good</span>
          <span>{format.percent(parts.poor, 0)} poor</span>
        </div>
      )}
    </>
  );
}

function Trend({ trend }: { trend: Timeseries | null }) {
  if (trend === null) return <div class="spark" />;
  // a window that is not over yet would end the line in a jump
  const points = (trend.series[0]?.points ?? []).filter(({ at }) => seconds(at) + trend.step_s <= now.value);
  return <Sparkline points={points} span={{ from: seconds(trend.from), to: seconds(trend.to) }} step={trend.step_s} />;
}

function Unavailable({ name, words, retry }: { name: string; words: string; retry?: () => void }) {
  return (
    <div class="panel card" style={{ minHeight: "150px" }}>
      <div class="card-head">
        <span class="name">{name} · p75</span>
      </div>
      <div class="figure third">–</div>
      <p class="panel-note">{words}</p>
      {retry !== undefined && (
        <button type="button" class="button" style={{ marginTop: "8px" }} onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

function CardBones({ name }: { name: string }) {
  return (
    <div class="panel card" aria-busy="true">
      <div class="card-head">
        <span class="name">{name} · p75</span>
      </div>
      <div class="figure">
        <Bone width="60%" height={34} />
      </div>
      <Bone height={6} />
      <div class="ends">
        <Bone width="30%" height={18} />
        <Bone width="30%" height={18} />
      </div>
      <div class="spark" />
      <div class="ends">
        <Bone width="30%" height={18} />
        <Bone width="40%" height={18} />
      </div>
    </div>
  );
}

function VitalsTable({ app, metrics, views }: Props & { views: number | null }) {
  return (
    <div class="table-box">
      <table>
        <thead>
          <tr>
            <th scope="col">metric</th>
            <th scope="col" class="num">
              p75
            </th>
            <th scope="col" class="num">
              interval
            </th>
            <th scope="col">rating</th>
            <th scope="col" class="num">
              good
            </th>
            <th scope="col" class="num">
              needs work
            </th>
            <th scope="col" class="num">
              poor
            </th>
            <th scope="col" class="num">
              n
            </th>
            <th scope="col" class="num">
              coverage
            </th>
          </tr>
        </thead>
        <tbody>
          {VITALS.map((name) => (
            <VitalRow key={name} app={app} name={name} metric={metrics.find(name)} views={views} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function VitalRow({ app, name, metric, views }: { app: App; name: string; metric: Metric | undefined; views: number | null }) {
  const { answer } = useVital(app, name, metric);
  const quantile = answer === null ? undefined : p75(answer);
  const thresholds = thresholdsOf(metric);
  const parts = answer?.ratings === undefined ? null : shares(answer.ratings);
  const unit = answer?.unit ?? "ms";
  return (
    <tr>
      <td>
        <a class="link" href={toPage({ page: "explore", metric: name })}>
          {metric?.title ?? name}
        </a>
      </td>
      <td class="num">{quantile === undefined ? "–" : format.value(quantile.value, unit)}</td>
      <td class="num">
        {quantile?.low === undefined || quantile.high === undefined ? "too few" : format.interval(quantile.low, quantile.high, unit)}
      </td>
      <td>{quantile?.low !== undefined && thresholds !== null && <RatingWord rating={rate(quantile.value, thresholds)} />}</td>
      <td class="num">{parts === null ? "–" : format.percent(parts.good)}</td>
      <td class="num">{parts === null ? "–" : format.percent(parts.needs)}</td>
      <td class="num">{parts === null ? "–" : format.percent(parts.poor)}</td>
      <td class="num">{format.count(answer?.n ?? 0)}</td>
      <td class="num">{coverage(answer?.n ?? 0, views)}</td>
    </tr>
  );
}
