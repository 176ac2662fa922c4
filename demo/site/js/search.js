import { card, KITES } from "./catalog.js";
import { icarus } from "./measure.js";

const form = document.querySelector("[data-search]");
const results = document.querySelector("[data-results]");
const found = document.querySelector("[data-found]");

const fits = (kite, words, wind) =>
  words.every((word) => (kite.name + " " + kite.words).toLowerCase().includes(word)) &&
  (!wind || (kite.wind[0] <= wind && wind <= kite.wind[1]));

function search() {
  const asked = new FormData(form);
  const words = asked.get("q").toLowerCase().split(/\s+/).filter(Boolean);
  const kites = KITES.filter((kite) => fits(kite, words, Number(asked.get("wind"))));
  results.replaceChildren(...kites.map(card));
  found.textContent = kites.length
    ? `${kites.length} of ${KITES.length} kites`
    : "No kite does that. Fewer words, or another wind?";
  return kites.length;
}

form.elements.q.value = new URLSearchParams(location.search).get("q") ?? "";
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  const asked = performance.now();
  const number = search();
  icarus("measure", "search.results", number, "count");
  requestAnimationFrame(() => icarus("measure", "search.time_to_results", performance.now() - asked, "ms"));
});
search();
