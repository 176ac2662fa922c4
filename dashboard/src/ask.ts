/** The hook by which components ask: the last answer stays in place until the next one is here. */

import { useEffect, useRef, useState } from "preact/hooks";
import { fetchAnswer, type Question, Refusal } from "./api";
import { reachable, tick, track } from "./live";

export interface Answer<T> {
  /** The newest answer; while `stale` it may be to the question before. `null` before the first. */
  answer: T | null;
  /** Why the question that is asked now has no answer. */
  refusal: Refusal | null;
  /** Whether `answer` is to an earlier question than the one asked. */
  stale: boolean;
  retry: () => void;
}

/** An answer is shared by those who ask the same within this time. */
const SHARED_MS = 5_000;
/** How many answers are kept, for those who come back to a page. */
const KEPT = 120;

const shared = new Map<string, { answer: Promise<unknown>; at: number }>();
const known = new Map<string, unknown>();

function share<T>(question: Question<T>): Promise<T> {
  const before = shared.get(question.url);
  if (before !== undefined && performance.now() - before.at < SHARED_MS) return before.answer as Promise<T>;
  const answer = track(fetchAnswer(question));
  keep(shared, question.url, { answer, at: performance.now() });
  answer.then(
    (body) => {
      reachable.value = true;
      keep(known, question.about, body);
    },
    (why: Refusal) => {
      reachable.value = why.reason !== "unreachable";
      shared.delete(question.url);
    },
  );
  return answer;
}

function keep<T>(map: Map<string, T>, key: string, entry: T): void {
  map.delete(key);
  map.set(key, entry);
  const [oldest] = map.keys();
  if (map.size > KEPT && oldest !== undefined) map.delete(oldest);
}

interface State<T> {
  about: string;
  answer: T | null;
  refusal: Refusal | null;
}

/**
 * The answer to `question`; asks again when its URL changes, or `again` does, and at each tick while its time has not ended. With `null` nothing is
 * asked. A failed refresh keeps the answer that is there: what was true a moment ago is worth more
 * than an error in its place, and the header says that the server is out of reach.
 */
export function useAnswer<T>(question: Question<T> | null, again = 0): Answer<T> {
  const [state, setState] = useState<State<T>>({ about: "", answer: null, refusal: null });
  const [tries, setTries] = useState(0);
  const asked = useRef("");
  const url = question?.url ?? "";
  const beat = question?.open === true ? tick.value : 0;

  useEffect(() => {
    asked.current = url;
    if (question === null) {
      setState({ about: "", answer: null, refusal: null });
      return;
    }
    const { about } = question;
    share(question).then(
      (answer) => {
        if (asked.current === url) setState({ about, answer, refusal: null });
      },
      (why: unknown) => {
        if (asked.current !== url) return;
        const refusal = why instanceof Refusal ? why : new Refusal("failed", String(why), null, 0);
        setState((was) => (was.about === about && was.answer !== null ? was : { about, answer: null, refusal }));
      },
    );
  }, [url, again, beat, tries]);

  useEffect(
    () => () => {
      asked.current = "";
    },
    [],
  );

  const retry = () => setTries((n) => n + 1);
  if (question === null) return { answer: null, refusal: null, stale: false, retry };
  if (state.about === question.about) return { answer: state.answer, refusal: state.refusal, stale: false, retry };
  const remembered = known.get(question.about) as T | undefined;
  if (remembered !== undefined) return { answer: remembered, refusal: null, stale: false, retry };
  return { answer: state.answer, refusal: null, stale: true, retry };
}
