import { icarus } from "./measure.js";

const ANSWERS = [
  [
    /begin|first|child|easy/i,
    "For a beginner I would take the Heron or, for small hands, the Wren. Both have one line and ask for no skill: walk backwards, let the line run, and look up. The Heron already flies in a wind that you hardly feel, so your first day will not be spent waiting.",
  ],
  [
    /wind|gust|storm|much/i,
    "Above six Beaufort I stay inside and sew. The Lapwing and the Albatross hold out to six, the Swift and the Wren only to four. If leaves fly past you, take gloves; if branches do, take your kite home. And never fly near a wire or in a thunderstorm.",
  ],
  [
    /mend|tear|torn|repair|sail/i,
    "Lay the sail flat, close the tear edge to edge, and put a strip of ripstop tape on both sides, two centimetres past each end. For a seam, use polyester thread and a zigzag stitch. Then fly it in a light wind first: a good patch is one that you forget.",
  ],
];
const OTHERWISE =
  "I only know kites, so let me answer a question that you did not ask: keep the sun in your back, the wind too, and do not fly higher than you are told. My founder's son could tell you more about that, if he had listened.";

/** Milliseconds: until the first word, between words, and of a silence that comes every so many words. */
const PACE = { first: [250, 900], word: [25, 80], silence: [200, 500] };
const PACE_OVERLOADED = { first: [1800, 4500], word: [60, 220], silence: [900, 2600] };
const SILENCE_EACH = 12;

const form = document.querySelector("[data-ask]");
const talk = document.querySelector("[data-talk]");
const overloaded = document.querySelector("[data-slow]");
const measured = document.querySelector("[data-measured]");

const between = ([least, most]) => least + Math.random() * (most - least);
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(performance.now()))));

/** The words of an answer, as a model would send them. */
async function* answer(question, pace) {
  const words = (ANSWERS.find(([asks]) => asks.test(question))?.[1] ?? OTHERWISE).split(" ");
  for (const [index, word] of words.entries()) {
    await wait(between(index === 0 ? pace.first : index % SILENCE_EACH ? pace.word : pace.silence));
    yield word;
  }
}

async function ask(question) {
  const asked = performance.now();
  say("you", question);
  const place = say("maker", "");
  let words = 0;
  let last = asked;
  let first = 0;
  let stall = 0;
  for await (const word of answer(question, overloaded.checked ? PACE_OVERLOADED : PACE)) {
    place.append((words ? " " : "") + word);
    // What people wait for is not the word that arrived but the one that they see.
    const now = await painted();
    if (words === 0) {
      first = now - asked;
      icarus("measure", "ttft", first, "ms");
    } else stall = Math.max(stall, now - last);
    last = now;
    words += 1;
  }
  const rate = (words - 1) / ((last - asked - first) / 1000);
  icarus("measure", "assistant.longest_stall", stall, "ms");
  icarus("measure", "assistant.words_per_second", rate, "per_second");
  measured.textContent = `First word after ${Math.round(first)} ms, longest silence ${Math.round(stall)} ms, ${rate.toFixed(1)} words a second.`;
}

function say(who, text) {
  const line = document.createElement("p");
  line.className = who;
  line.textContent = text;
  talk.append(line);
  return line;
}

const parts = [...form.elements, ...document.querySelectorAll("[data-suggestions] button")];
async function askOnce(question) {
  for (const part of parts) part.disabled = true;
  await ask(question);
  for (const part of parts) part.disabled = false;
  form.elements.question.focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = form.elements.question.value.trim();
  form.reset();
  if (question) askOnce(question);
});
document.querySelector("[data-suggestions]").addEventListener("click", ({ target }) => {
  if (target.matches("button")) askOnce(target.textContent);
});
