/** How beacons get here, and what became of those that came. */

import type { App, Outcomes, Reason } from "../answer";
import { ask } from "../api";
import { useAnswer } from "../ask";
import * as format from "../format";
import { now } from "../live";
import { Bar } from "../parts/bar";
import { Answered, Panel } from "../parts/panel";
import { Headline } from "../parts/sentence";
import { curlLines, Snippet, scriptTag, vitalsLines } from "../parts/snippet";
import { Nothing, RowBones } from "../parts/states";
import { Words } from "../parts/words";
import { DAY } from "../range";

export function Install({ app }: { app: App }) {
  const origin = location.origin;
  return (
    <>
      <Bar app={app} />
      <Headline>
        <b>One tag</b> in your pages is all it takes; beacons of <b>{app.id}</b> show within seconds.
      </Headline>
      <div class="grid">
        <Panel title="The script" note="measures the Web Vitals, navigation phases, page views and errors">
          <Snippet code={scriptTag(origin, app)} />
        </Panel>
      </div>
      <div class="grid halves">
        <Panel title="Only the web-vitals library" note="its objects are taken as they are">
          <Snippet code={vitalsLines(origin, app)} />
        </Panel>
        <Panel title="By hand" note="202 means it is kept; anything else says why not">
          <Snippet code={curlLines(origin, app)} />
        </Panel>
      </div>
      <Fates app={app} />
    </>
  );
}

function Fates({ app }: { app: App }) {
  const outcomes = useAnswer(ask.outcomes(app.id, { from: now.value - DAY, to: now.value }));
  return (
    <div class="grid">
      <Panel title="What became of what was sent" note="the last 24 hours, by the time it was received">
        <Answered answer={outcomes} bone={<RowBones rows={6} />}>
          {(answer) =>
            answer.received === 0 && answer.refused.length === 0 ? (
              <Nothing title="Nothing has been received">
                <p>
                  Send a first one with the line above: it is counted here within a few seconds, and so is every refusal, with its reason.
                </p>
              </Nothing>
            ) : (
              <FateTable outcomes={answer} />
            )
          }
        </Answered>
      </Panel>
    </div>
  );
}

function FateTable({ outcomes }: { outcomes: Outcomes }) {
  const { received, accepted, rejected, rolled_up, too_late, duplicate } = outcomes;
  const of = (n: number, all: number) => (all === 0 ? "–" : format.percent(n / all));
  const row = (name: string, n: number, all: number, meaning: string, inner = true) => (
    <tr key={name}>
      <td style={inner ? { paddingLeft: "18px" } : undefined} class={inner ? "fate" : "fate strong"}>
        {name}
        <div class="soft narrow-only">
          <Words text={meaning} />
        </div>
      </td>
      <td class="num">{format.count(n)}</td>
      <td class="num soft wide-only">{of(n, all)}</td>
      <td class="soft meaning wide-only">
        <Words text={meaning} />
      </td>
    </tr>
  );
  const reasons = (list: readonly Reason[], all: number) =>
    list.map(({ reason, meaning, count }) => row(reason.replaceAll("_", " "), count, all, meaning));
  const refused = outcomes.refused.reduce((sum, { count }) => sum + count, 0);
  return (
    <div class="table-box">
      <table>
        <thead>
          <tr>
            <th scope="col">fate</th>
            <th scope="col" class="num">
              events
            </th>
            <th scope="col" class="num wide-only">
              share
            </th>
            <th scope="col" class="meaning wide-only">
              meaning
            </th>
          </tr>
        </thead>
        <tbody>
          {row("received", received, received, "In beacons that were answered with 202.", false)}
          {row("accepted", accepted, received, "Kept in the log.", false)}
          {row("rolled up", rolled_up, received, "Counted in the charts.")}
          {row("too late", too_late, received, "Older than the app's allowed lateness; not counted.")}
          {row("duplicate", duplicate, received, "A beacon that came before, with the same id; counted once.")}
          {row("rejected", rejected, received, rejected === 0 ? "None." : "Left out for the reasons below.", false)}
          {reasons(outcomes.reasons, received)}
          {refused > 0 &&
            row("requests refused", refused, 0, "Requests, not events: refused as a whole, before their events could be counted.", false)}
          {reasons(outcomes.refused, 0)}
        </tbody>
      </table>
    </div>
  );
}
