import { contents, put } from "./basket.js";
import { card, euros, kite, KITES } from "./catalog.js";
import { icarus } from "./measure.js";

const started = performance.now();
const shown = kite(new URLSearchParams(location.search).get("id")) ?? KITES[0];
const place = (name) => document.querySelector(`[data-${name}]`);

document.title = shown.name + ": Wax & Feather";
const picture = place("largest");
picture.src = `images/${shown.id}.svg`;
picture.alt = `The kite ${shown.name} in the air`;
place("name").textContent = shown.name;
place("words").textContent = shown.words;
place("wind").textContent = shown.wind.join(" to ") + " Beaufort";
place("span").textContent = shown.span;
place("lines").textContent = shown.lines;
place("price").textContent = euros(shown.price);
place("others").replaceChildren(
  ...KITES.filter((one) => one !== shown)
    .slice(0, 3)
    .map(card),
);

place("add").addEventListener("click", () => {
  const number = (contents()[shown.id] ?? 0) + 1;
  put(shown.id, number);
  place("added").textContent = number === 1 ? "It is in your basket." : `There are ${number} in your basket.`;
  // How long people look before they decide: a measure of this shop's own.
  icarus("measure", "product.time_to_basket", performance.now() - started, "ms");
});
