/** All alerts of an app, the open ones first. */

import type { Alert, App } from "../answer";
import { ask } from "../api";
import { useAnswer } from "../ask";
import { now, tick } from "../live";
import { AlertRow } from "../parts/alert-row";
import { Bar } from "../parts/bar";
import { Answered, Panel } from "../parts/panel";
import { Headline, Sentence } from "../parts/sentence";
import { Bone, Nothing, RowBones } from "../parts/states";
import { seconds } from "../range";
import { brief, type Part } from "../sentence";
import { moment } from "../time";

export function Alerts({ app }: { app: App }) {
  const known = useAnswer(ask.alerts(app.id), tick.value);
  const all = known.answer?.alerts ?? [];
  const open = all.filter(({ state }) => state !== "resolved").sort((a, b) => Number(b.state === "firing") - Number(a.state === "firing"));
  const over = all.filter(({ state }) => state === "resolved");
  return (
    <>
      <Bar app={app} />
      {known.answer === null ? (
        <h1 class="sentence">
          <span class="spoken">Alerts</span>
          <Bone width="min(30em, 90%)" height={20} />
        </h1>
      ) : (
        <Headline>
          <Sentence parts={summary(open, over)} />
        </Headline>
      )}
      <div class="grid">
        <Panel title="Open" note="flagged now, or a moment ago">
          <Answered answer={known} bone={<RowBones rows={2} height={58} />}>
            {() =>
              open.length === 0 ? (
                <Nothing title="● Nothing is open" />
              ) : (
                <ul>
                  {open.map((alert) => (
                    <AlertRow key={alert.id} alert={alert} />
                  ))}
                </ul>
              )
            }
          </Answered>
        </Panel>
        {over.length > 0 && (
          <Panel title="Resolved" note="newest first">
            <ul>
              {over.map((alert) => (
                <AlertRow key={alert.id} alert={alert} />
              ))}
            </ul>
          </Panel>
        )}
      </div>
    </>
  );
}

function summary(open: readonly Alert[], over: readonly Alert[]): Part[] {
  const [first] = open;
  const [last] = over;
  if (first !== undefined) {
    const firing = open.filter(({ state }) => state === "firing").length;
    return [
      { text: `${firing} firing, ${open.length - firing} pending.`, tone: "strong" },
      { text: " The first to look at: " },
      { text: brief(first), tone: "strong", to: { page: "alert", alert: first.id } },
      { text: `, since ${moment(seconds(first.began), now.value)}.` },
    ];
  }
  if (last === undefined)
    return [
      { text: "Nothing has been flagged yet.", tone: "strong" },
      { text: " Every complete minute of every slice is tested against its own history; what departs from it shows here." },
    ];
  return [
    { text: "Nothing unusual now.", tone: "strong" },
    { text: ` The last alert was resolved at ${moment(seconds(last.resolved ?? last.last_flagged), now.value)}.` },
  ];
}
