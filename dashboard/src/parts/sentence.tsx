/** A sentence set in type. */

import type { ComponentChildren } from "preact";
import { toPage } from "../place";
import type { Part } from "../sentence";

export function Sentence({ parts }: { parts: readonly Part[] }) {
  return (
    <>
      {parts.map((part, i) => {
        const tone = part.tone ?? "";
        return part.to === undefined ? (
          <span key={i} class={tone}>
            {part.text}
          </span>
        ) : (
          <a key={i} class={`link ${tone}`} href={toPage(part.to)}>
            {part.text}
          </a>
        );
      })}
    </>
  );
}

export const Headline = ({ children }: { children: ComponentChildren }) => <h1 class="sentence">{children}</h1>;
