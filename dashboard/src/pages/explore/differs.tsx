/** What differs in the selected time: the slices that account for most of it, each against its own rest. */

import type { App } from "../../answer";
import { ask } from "../../api";
import { useAnswer } from "../../ask";
import type { Asking } from "../../asking";
import { type Differing, differing, type Pair } from "../../differs";
import * as format from "../../format";
import { span } from "../../live";
import { aboutHere } from "../../metrics";
import { Panel } from "../../parts/panel";
import { Bone, Nothing } from "../../parts/states";
import { place, to } from "../../place";
import type { Span } from "../../range";
import { countedBeside, dimensionName, valueName } from "../../slices";
import { withFilter } from "../../url";

const SHOWN = 5;
/** Dimensions are asked about one by one; those beyond this are not looked at. */
const DIMENSIONS_MAX = 12;
const VALUES = 40;

/** Only where there is a selection, and thresholds that say what is good. */
export function Differs({ app, asking }: { app: App; asking: Asking }) {
  const { select } = place.value;
  if (select === null || asking.metric.good === undefined || asking.counter) return null;
  return <DiffersIn app={app} asking={asking} chosen={select} />;
}

function DiffersIn({ app, asking, chosen }: { app: App; asking: Asking; chosen: Span }) {
  const { filters } = place.value;
  const dimensions = countedBeside(app.dimensions, app.together, filters)
    .filter((name) => filters[name]?.length !== 1)
    .slice(0, DIMENSIONS_MAX);
  const pairs = usePairs(app, asking.metric.name, dimensions, chosen);
  const found = pairs.waiting ? [] : differing(pairs.known, SHOWN);
  if (dimensions.length === 0) return null;
  const most = Math.max(...found.map(({ selected }) => selected), 0.01);
  const note = `the part that is not good, in the selected time and in the rest of the same page views · ${dimensions.length} dimensions looked at`;
  return (
    <div class="grid">
      <Panel title="What differs here" note={note} stale={pairs.waiting && pairs.known.length > 0}>
        {pairs.waiting && <Bone height={92} />}
        {!pairs.waiting && found.length === 0 && <Nothing title="No slice is worse here than in the rest, beyond chance" />}
        <ul class="differs">
          {found.map((each) => (
            <Item key={`${each.dimension} ${each.value}`} found={each} most={most} />
          ))}
        </ul>
      </Panel>
    </div>
  );
}

function Item({ found, most }: { found: Differing; most: number }) {
  const { dimension, value, selected, rest, n, part } = found;
  const bar = (share: number) => ({ width: `${(share / most) * 100}%` });
  return (
    <li>
      <a
        class="mono strong"
        href={to({ filters: withFilter(place.value.filters, dimension, [value]) })}
        title={`filter on ${dimensionName(dimension)} ${valueName(value)}`}
      >
        {dimensionName(dimension)} = {valueName(value)}
      </a>
      <i class="differs-bar selection" style={bar(selected)} />
      <i class="differs-bar rest" style={bar(rest)} />
      <span class="soft">
        {format.percent(selected, 0)} against {format.percent(rest, 0)} · n = {format.compact(n)}
        <br />
        {part > 1 ? "accounts for all of it" : `accounts for ${format.percent(part, 0)} of it`}
      </span>
    </li>
  );
}

/** Breakdowns of the selected and the whole time by each of `dimensions`, of which there may be up to the maximum. */
function usePairs(app: App, metric: string, dimensions: readonly string[], chosen: Span): { known: Pair[]; waiting: boolean } {
  let waiting = false;
  const known: Pair[] = [];
  // always as many hooks, whatever the number of dimensions
  for (let i = 0; i < DIMENSIONS_MAX; i += 1) {
    const by = dimensions[i];
    const question = (over: Span) => (by === undefined ? null : ask.breakdown(aboutHere(app, metric, over), { by, limit: VALUES }));
    const selected = useAnswer(question(chosen));
    const whole = useAnswer(question(span.value));
    if (by === undefined || selected.refusal !== null || whole.refusal !== null) continue;
    if (selected.answer === null || whole.answer === null || selected.stale || whole.stale) waiting = true;
    else known.push({ selected: selected.answer, whole: whole.answer });
  }
  return { known, waiting };
}
