/** What is open now; when nothing is, what was last. */

import type { App } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import { tick } from "../../live";
import { AlertRow } from "../../parts/alert-row";
import { Answered, Panel } from "../../parts/panel";
import { RowBones } from "../../parts/states";
import { toPage } from "../../place";

export function OpenAlerts({ app }: { app: App }) {
  const firing = useAnswer(ask.alerts(app.id, "firing"), tick.value);
  const pending = useAnswer(ask.alerts(app.id, "pending"), tick.value);
  const resolved = useAnswer(ask.alerts(app.id, "resolved"), tick.value);
  const waiting = pending.answer?.alerts ?? [];
  const note = firing.answer === null ? undefined : `${firing.answer.alerts_total} firing, ${waiting.length} pending`;
  return (
    <Panel
      title="Open alerts"
      note={note}
      end={
        <a class="link" href={toPage({ page: "alerts" })}>
          All alerts
        </a>
      }
    >
      <Answered answer={firing} bone={<RowBones rows={2} height={58} />}>
        {({ alerts }) => {
          const open = [...alerts, ...waiting];
          const last = (resolved.answer?.alerts ?? []).slice(0, 2);
          return (
            <>
              {open.length === 0 && (
                <p class="good strong">
                  <span aria-hidden="true">●</span> No alert is open.
                </p>
              )}
              <ul>
                {[...open, ...(open.length < 3 ? last : [])].slice(0, 5).map((alert) => (
                  <AlertRow key={alert.id} alert={alert} />
                ))}
              </ul>
            </>
          );
        }}
      </Answered>
    </Panel>
  );
}
