/** How an app is doing: one sentence, the vitals, the day, what is wrong, and where time is lost. */

import type { App } from "../answer";
import { useMetrics } from "../metrics";
import { Bar } from "../parts/bar";
import { Silent } from "../parts/states";
import { OpenAlerts } from "./overview/alerts";
import { OverviewHeadline } from "./overview/headline";
import { HeatPanel } from "./overview/heat";
import { Routes } from "./overview/routes";
import { Vitals } from "./overview/vitals";
import { Waiting } from "./overview/waiting";

export function Overview({ app }: { app: App }) {
  const metrics = useMetrics(app);
  if (app.last_received === undefined) return <Waiting app={app} />;
  if (metrics.answer.refusal !== null) return <Silent app={app} refusal={metrics.answer.refusal} retry={metrics.answer.retry} />;
  return (
    <>
      <Bar app={app} filters charts />
      <OverviewHeadline app={app} metrics={metrics} />
      <Vitals app={app} metrics={metrics} />
      <div class="grid">
        <HeatPanel app={app} metrics={metrics} />
      </div>
      <div class="grid halves">
        <OpenAlerts app={app} />
        <Routes app={app} metrics={metrics} />
      </div>
    </>
  );
}
