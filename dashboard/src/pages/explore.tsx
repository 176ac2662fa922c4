/** One question, as a sentence, and its answer from three sides: over time, as a distribution, by slices. */

import { useEffect } from "preact/hooks";
import type { App } from "../answer";
import { askingOf } from "../asking";
import { useMetrics } from "../metrics";
import { Bar } from "../parts/bar";
import { Headline } from "../parts/sentence";
import { Bone, Nothing, Silent } from "../parts/states";
import { go, place, toPage } from "../place";
import { Breakdowns } from "./explore/breakdowns";
import { CountsPanel } from "./explore/counts";
import { Differs } from "./explore/differs";
import { OverTime } from "./explore/over-time";
import { QuestionSentence } from "./explore/question";
import { ShapePanel } from "./explore/shape";

export function Explore({ app }: { app: App }) {
  const metrics = useMetrics(app);
  const { metric: wanted, as } = place.value;
  const chosen = wanted ?? metrics.find("LCP")?.name ?? metrics.list?.[0]?.name ?? null;
  const metric = chosen === null ? undefined : metrics.find(chosen);
  const asking = metric === undefined ? null : askingOf(place.value, metric);

  // the sentence is the permalink, so what was left open is written into it
  useEffect(() => {
    if (asking !== null && (wanted === null || as !== asking.mode)) go({ metric: asking.metric.name, as: asking.mode }, true);
  }, [asking?.metric.name, asking?.mode, wanted, as]);

  if (metrics.answer.refusal !== null) return <Silent app={app} refusal={metrics.answer.refusal} retry={metrics.answer.retry} />;
  if (metrics.list === null)
    return (
      <div style={{ paddingTop: "60px", display: "grid", gap: "16px" }} aria-busy="true">
        <Bone width="50%" height={24} />
        <Bone height={380} />
      </div>
    );
  if (asking === null) return <NoMetric app={app} wanted={wanted} names={metrics.list.map(({ name }) => name)} />;
  return (
    <>
      <Bar app={app} filters charts />
      <Headline>
        <QuestionSentence app={app} asking={asking} metrics={metrics.list} />
      </Headline>
      <div class="grid wide-narrow">
        <OverTime app={app} asking={asking} />
        {asking.counter ? <CountsPanel app={app} asking={asking} /> : <ShapePanel app={app} asking={asking} />}
      </div>
      <Differs app={app} asking={asking} />
      <Breakdowns app={app} asking={asking} />
    </>
  );
}

function NoMetric({ app, wanted, names }: { app: App; wanted: string | null; names: readonly string[] }) {
  if (names.length === 0) {
    return (
      <>
        <Headline>
          <b>There is nothing to explore yet</b> for {app.id}.
        </Headline>
        <Nothing title="Send a first beacon">
          <a class="button" href={toPage({ page: "install" })}>
            How to install
          </a>
        </Nothing>
      </>
    );
  }
  return (
    <>
      <Headline>
        <b>
          {app.id} has no metric called {wanted}.
        </b>
      </Headline>
      <Nothing title="These it has">
        {names.map((name) => (
          <a key={name} class="button" href={toPage({ page: "explore", metric: name })}>
            {name}
          </a>
        ))}
      </Nothing>
    </>
  );
}
