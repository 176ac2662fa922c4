/** A panel: a title, a word on what it shows, and what it shows, or why it can't. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Answer } from "../ask";
import { Trouble } from "./states";

interface Props {
  title: ComponentChildren;
  note?: ComponentChildren;
  end?: ComponentChildren;
  children: ComponentChildren;
  stale?: boolean;
}

export function Panel({ title, note, end, children, stale = false }: Props) {
  const id = useId();
  return (
    <section class="panel" aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id} class="panel-title">
          {title}
        </h2>
        {note !== undefined && <span class="panel-note">{note}</span>}
        {end !== undefined && <span class="panel-end">{end}</span>}
      </header>
      <div class={stale ? "stale" : undefined} aria-busy={stale}>
        {children}
      </div>
    </section>
  );
}

interface AnsweredProps<T> {
  answer: Answer<T>;
  /** What stands there before the first answer, in the shape of what comes. */
  bone: ComponentChildren;
  children: (answer: T) => ComponentChildren;
}

/** What an answer shows, its bones before it is here, or the trouble with it. */
export function Answered<T>({ answer, bone, children }: AnsweredProps<T>) {
  if (answer.refusal !== null) return <Trouble refusal={answer.refusal} retry={answer.retry} />;
  if (answer.answer === null)
    return (
      <div aria-busy="true">
        <span class="spoken">loading</span>
        {bone}
      </div>
    );
  return <>{children(answer.answer)}</>;
}
