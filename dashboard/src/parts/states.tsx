/** What stands where an answer should: trouble, nothing yet, or the bones of what comes. */

import type { ComponentChildren } from "preact";
import type { App } from "../answer";
import type { Refusal } from "../api";
import { place, to } from "../place";
import { dimensionName, valueName } from "../slices";
import { withFilter } from "../url";
import { Words } from "./words";

/** Why there is no answer, in the server's own words, and what can be done. */
export function Trouble({ refusal, retry }: { refusal: Refusal; retry: () => void }) {
  if (refusal.reason === "not_together") return <NotTogether detail={refusal.detail} hint={refusal.hint} />;
  const title = TITLES[refusal.reason] ?? "There is no answer to this";
  return (
    <div class="state" role="alert">
      <p class="state-title">{title}</p>
      <p>
        <Words text={sentence(refusal.detail)} /> {refusal.hint !== null && <Words text={sentence(refusal.hint)} />}
      </p>
      <button type="button" class="button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

/** A page that has nothing to show, because what it stands on was refused. */
export function Silent({ app, refusal, retry }: { app: App; refusal: Refusal; retry: () => void }) {
  return (
    <>
      <h1 class="sentence">
        <b>There is nothing to say about {app.id} just now.</b>
      </h1>
      <div class="panel grid">
        <Trouble refusal={refusal} retry={retry} />
      </div>
    </>
  );
}

const TITLES: Record<string, string> = {
  unreachable: "The server is out of reach",
  unavailable: "The server can't answer just now",
  unknown_app: "There is no such app",
  unknown_metric: "There is no such metric",
  unknown_dimension: "There is no such dimension",
  invalid_parameter: "The server doesn't understand the question",
};

/** Detail and hint come without a capital and a full stop. */
export function sentence(text: string): string {
  const stop = /[.!?]$/.test(text) ? "" : ".";
  // a name in backticks keeps its case
  return text.charAt(0).toUpperCase() + text.slice(1) + stop;
}

/** Neither counted together, nor are there samples to estimate from: what can be asked, and ways out. */
export function NotTogether({ detail, hint }: { detail: string; hint: string | null }) {
  return (
    <div class="state">
      <p class="state-title">These can't be asked about together</p>
      <p>
        <Words text={sentence(detail)} /> Counts are kept for chosen sets of dimensions, which keeps them exact and quick; the rest is
        estimated from samples of page views, for as long as they are kept.
      </p>
      {hint !== null && (
        <p>
          <Words text={sentence(hint)} />
        </p>
      )}
      <WithoutFilters />
    </div>
  );
}

/** A way out for each filter. */
export function WithoutFilters() {
  const { filters } = place.value;
  return (
    <>
      {Object.entries(filters).map(([dimension, values]) => (
        <a key={dimension} class="button" href={to({ filters: withFilter(filters, dimension, []) })}>
          Without {dimensionName(dimension)} {values.map(valueName).join(", ")}
        </a>
      ))}
    </>
  );
}

export function Nothing({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <p class="state-title">{title}</p>
      {children}
    </div>
  );
}

/** A bar of the skeleton. */
export const Bone = ({ width = "100%", height }: { width?: string; height: number }) => (
  <span class="bone" style={{ width, height: `${height}px` }} aria-hidden="true" />
);

export function RowBones({ rows, height = 37 }: { rows: number; height?: number }) {
  return (
    <div aria-hidden="true">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} style={{ display: "flex", gap: "8%", height: `${height}px`, alignItems: "center" }}>
          <Bone width={`${26 - (i % 3) * 5}%`} height={12} />
          <Bone width="34%" height={16} />
          <Bone width="16%" height={12} />
        </div>
      ))}
    </div>
  );
}
