/** The question: a sentence whose underlined words are pickers. */

import type { App, Metric } from "../../answer";
import type { Asking } from "../../asking";
import { moving, now, span } from "../../live";
import { FilterButton } from "../../parts/filters";
import type { Option } from "../../parts/options";
import { Picker } from "../../parts/picker";
import { Popover } from "../../parts/popover";
import { RangePicker } from "../../parts/range-picker";
import { go, place } from "../../place";
import { lengthNoun, lengthOf } from "../../range";
import { countedBeside, dimensionName, ESTIMATED, filtersName } from "../../slices";
import { spanName } from "../../time";
import type { Mode } from "../../url";

const MODES: Record<Mode, string> = { heatmap: "a heat map", lines: "quantile lines", counts: "counts" };

export function QuestionSentence({ app, asking, metrics }: { app: App; asking: Asking; metrics: readonly Metric[] }) {
  const { filters } = place.value;
  const over = moving.value ? `the last ${lengthNoun(lengthOf(span.value))}` : spanName(span.value, now.value);
  return (
    <>
      Show <MetricPicker asking={asking} metrics={metrics} /> as <ModePicker asking={asking} /> for{" "}
      <FilterButton app={app} look="picker" label={filtersName(filters)} />, split by <SplitPicker app={app} asking={asking} />, over{" "}
      <RangePicker look="picker" words={over} />
    </>
  );
}

function MetricPicker({ asking, metrics }: { asking: Asking; metrics: readonly Metric[] }) {
  const options = metrics.map(({ name, title }): Option => ({
    value: name,
    label: name,
    hint: title === name ? undefined : title,
    selected: name === asking.metric.name,
  }));
  return (
    <Popover class="picker" label={asking.metric.name} name={`metric: ${asking.metric.name}`} title={asking.metric.title}>
      {(close) => (
        <Picker
          name="metric"
          search="search metrics"
          options={options}
          onPick={(metric) => {
            // what suits the next metric is decided anew when it is of another kind
            const kind = (name: string) => metrics.find((each) => each.name === name)?.unit === "count";
            go({ metric, as: kind(metric) === asking.counter ? asking.mode : null });
            close();
          }}
        />
      )}
    </Popover>
  );
}

function ModePicker({ asking }: { asking: Asking }) {
  const modes: Mode[] = asking.counter ? ["counts"] : ["heatmap", "lines", "counts"];
  return (
    <Popover class="picker" label={MODES[asking.mode]} name={`shown as ${MODES[asking.mode]}`}>
      {(close) => (
        <Picker
          name="show as"
          options={modes.map((mode) => ({ value: mode, label: MODES[mode], selected: mode === asking.mode }))}
          onPick={(mode) => {
            go({ as: mode as Mode, split: mode === "heatmap" ? null : asking.split });
            close();
          }}
          note={asking.counter ? "A counter has no values to draw a distribution of." : undefined}
        />
      )}
    </Popover>
  );
}

function SplitPicker({ app, asking }: { app: App; asking: Asking }) {
  const counted = countedBeside(app.dimensions, app.together, place.value.filters);
  const options: Option[] = [
    { value: "", label: "nothing", selected: asking.split === null },
    ...[...app.dimensions]
      .sort((a, b) => Number(counted.includes(b)) - Number(counted.includes(a)))
      .map((name) => ({
        value: name,
        label: dimensionName(name),
        selected: name === asking.split,
        hint: counted.includes(name) ? undefined : ESTIMATED,
      })),
  ];
  const label = asking.split === null ? "nothing" : dimensionName(asking.split);
  return (
    <Popover class="picker" label={label} name={`split by ${label}`}>
      {(close) => (
        <Picker
          name="split by"
          options={options}
          onPick={(split) => {
            go(split === "" ? { split: null } : { split, as: asking.mode === "heatmap" ? "lines" : asking.mode });
            close();
          }}
        />
      )}
    </Popover>
  );
}
