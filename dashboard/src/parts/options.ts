/** What a list offers, and how it is searched. Pure. */

import type { Dimension } from "../answer";
import { dimensionName, ESTIMATED, valueName } from "../slices";

export interface Option {
  value: string;
  label: string;
  /** Beside the label, softer. */
  hint?: string | undefined;
  /** Options of one group that follow each other stand under its name. */
  group?: string;
  selected?: boolean;
  disabled?: boolean;
}

/** More than this of a list is scrolled through by nobody: the search narrows it. */
const SHOWN = 200;

/** Options that have every word of `text`, those that begin with it first. */
export function matching(options: readonly Option[], text: string, free?: (text: string) => Option | null): Option[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const has = (option: Option) => {
    const own = `${option.group ?? ""} ${option.label} ${option.hint ?? ""}`.toLowerCase();
    return words.every((word) => own.includes(word));
  };
  const found = options.filter(has).slice(0, SHOWN);
  const extra = text.trim() === "" ? null : (free?.(text.trim()) ?? null);
  return extra === null || found.some((option) => option.value === extra.value) ? found : [...found, extra];
}

// a dimension and its value in one text; no dimension's name has a tab
const SEPARATOR = "\t";

/** What a filter's option stands for. */
export function filterOf(code: string): { dimension: string; value: string } {
  const [dimension = "", value = ""] = code.split(SEPARATOR);
  return { dimension, value };
}

/** The values of a dimension as options to filter on; `counted` says whether it is counted together with the filters that are set. */
export function optionsOf(dimension: Dimension, chosen: readonly string[], counted: boolean): Option[] {
  const more = dimension.values_total - dimension.values.length;
  const group =
    dimensionName(dimension.name) + (counted ? "" : ` (${ESTIMATED})`) + (more > 0 ? ` (${more} more: type dimension:value)` : "");
  return dimension.values.map((value) => ({
    value: dimension.name + SEPARATOR + value,
    label: valueName(value),
    group,
    selected: chosen.includes(value),
  }));
}

/** `route:/rare` for a value that is not among those listed. */
export function freeOption(text: string, dimensions: readonly string[]): Option | null {
  const colon = text.indexOf(":");
  const dimension = text.slice(0, Math.max(0, colon)).trim().replaceAll(" ", "_");
  if (!dimensions.includes(dimension)) return null;
  const value = text.slice(colon + 1).trim();
  return { value: dimension + SEPARATOR + value, label: valueName(value), group: dimensionName(dimension), hint: "as typed" };
}
