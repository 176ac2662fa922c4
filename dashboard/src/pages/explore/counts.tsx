/** For counters, which have no distribution: how many, how often, and how many per page view. */

import type { App } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import type { Asking } from "../../asking";
import * as format from "../../format";
import { now, span } from "../../live";
import { aboutHere, PAGE_VIEW, wholeWindows } from "../../metrics";
import { Answered, Panel } from "../../parts/panel";
import { ESTIMATE } from "../../parts/rated";
import { Bone } from "../../parts/states";
import { place } from "../../place";
import { before, coarse, HOUR, lengthNoun, lengthOf, type Span } from "../../range";

interface Props {
  app: App;
  asking: Asking;
}

export function CountsPanel({ app, asking: { metric } }: Props) {
  const chosen = place.value.select;
  const count = (of: string, over: Span) => ask.histogram(aboutHere(app, of, over), "0.5");
  const over = wholeWindows(app);
  const whole = useAnswer(count(metric.name, over));
  const wholeViews = useAnswer(count(PAGE_VIEW, over));
  const part = useAnswer(chosen === null ? null : count(metric.name, chosen));
  const partViews = useAnswer(chosen === null ? null : count(PAGE_VIEW, chosen));
  const earlier = coarse(before(chosen ?? span.value));
  const then = useAnswer(count(metric.name, earlier));
  const thenViews = useAnswer(count(PAGE_VIEW, earlier));
  const ofViews = metric.name !== PAGE_VIEW;
  const row = (name: string, tone: string, n: number, views: number, length: number) => (
    <tr key={name}>
      <td>
        <i class={`swatch ${tone}`} /> {name}
      </td>
      <td class="num">{format.count(n)}</td>
      <td class="num">{format.compact(n / (length / HOUR))}</td>
      {ofViews && (
        <td class="num" title={`of ${format.count(views)} page views`}>
          {views === 0 ? "–" : format.percent(n / views, 2)}
        </td>
      )}
    </tr>
  );
  return (
    <Panel
      title="How many"
      note={`${chosen === null ? "in all of this time" : "the selected time against the rest"}${whole.answer?.source === "samples" ? ` · ${ESTIMATE}` : ""}`}
      stale={whole.stale || part.stale}
    >
      <Answered answer={whole} bone={<Bone height={120} />}>
        {(all) => {
          const [n, views] = [all.n, wholeViews.answer?.n ?? 0];
          const [own, ownViews] = [part.answer?.n ?? 0, partViews.answer?.n ?? 0];
          const [length, ownLength] = [Math.min(now.value, over.to) - over.from, chosen === null ? 0 : lengthOf(chosen)];
          return (
            <table>
              <thead>
                <tr>
                  <th scope="col">time</th>
                  <th scope="col" class="num">
                    n
                  </th>
                  <th scope="col" class="num">
                    an hour
                  </th>
                  {ofViews && (
                    <th scope="col" class="num">
                      per page view
                    </th>
                  )}
                </tr>
              </thead>
              <tbody>
                {chosen === null
                  ? row(metric.title.toLowerCase(), "data", n, views, length)
                  : [
                      row("selected", "selection", own, ownViews, ownLength),
                      row("the rest", "rest", Math.max(0, n - own), Math.max(0, views - ownViews), Math.max(HOUR, length - ownLength)),
                    ]}
                {row(
                  `the ${lengthNoun(lengthOf(earlier))} before`,
                  "none",
                  then.answer?.n ?? 0,
                  thenViews.answer?.n ?? 0,
                  lengthOf(earlier),
                )}
              </tbody>
            </table>
          );
        }}
      </Answered>
    </Panel>
  );
}
