/** The answer by slices: a panel for each of some dimensions, each with its own picker. */

import type { App } from "../../answer";
import type { Asking } from "../../asking";
import { Panel } from "../../parts/panel";
import { Picker } from "../../parts/picker";
import { Popover } from "../../parts/popover";
import { Nothing, WithoutFilters } from "../../parts/states";
import { go, place } from "../../place";
import { countedBeside, dimensionName, ESTIMATED, usualDimensions } from "../../slices";
import { BreakdownTable, useNote } from "./breakdown";

export function Breakdowns({ app, asking }: { app: App; asking: Asking }) {
  const { by, filters } = place.value;
  const shown = by.length > 0 ? by : usualDimensions(app, filters);
  if (shown.length === 0) {
    return (
      <div class="panel">
        <Nothing title="There is no other dimension to break this down by">
          <p>The filters leave one value of each.</p>
          <WithoutFilters />
        </Nothing>
      </div>
    );
  }
  return (
    <div class="grid halves">
      {shown.map((dimension, i) => (
        <One
          key={`${i} ${dimension}`}
          app={app}
          asking={asking}
          dimension={dimension}
          choose={(next) => go({ by: shown.map((each, at) => (at === i ? next : each)) })}
        />
      ))}
    </div>
  );
}

function One({ app, asking, dimension, choose }: { app: App; asking: Asking; dimension: string; choose: (dimension: string) => void }) {
  const note = useNote();
  const counted = countedBeside(app.dimensions, app.together, place.value.filters);
  const title = (
    <>
      By{" "}
      <Popover
        class="link"
        label={
          <>
            {dimensionName(dimension)} <span aria-hidden="true">▾</span>
          </>
        }
        name={`break down by ${dimensionName(dimension)}`}
      >
        {(close) => (
          <Picker
            name="break down by"
            options={app.dimensions.map((name) => ({
              value: name,
              label: dimensionName(name),
              selected: name === dimension,
              hint: counted.includes(name) ? undefined : ESTIMATED,
            }))}
            onPick={(next) => {
              close();
              choose(next);
            }}
          />
        )}
      </Popover>
    </>
  );
  return (
    <Panel title={title} note={note}>
      <BreakdownTable app={app} asking={asking} dimension={dimension} />
    </Panel>
  );
}
