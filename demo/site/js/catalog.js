/** What the shop sells. Wind in Beaufort, price in whole euros. */
export const KITES = [
  {
    id: "kestrel",
    name: "Kestrel",
    price: 64,
    wind: [3, 5],
    span: "1.5 m",
    lines: "two",
    words:
      "A small stunt kite that hangs on the wind and drops like a stone when you tell it to. Ripstop nylon, carbon spars, patches in four reds.",
  },
  {
    id: "swift",
    name: "Swift",
    price: 89,
    wind: [2, 4],
    span: "2.1 m",
    lines: "two",
    words:
      "Two lines, wide wings, quick turns. It rewards small movements and forgives none of the large ones. For the beach in the evening.",
  },
  {
    id: "heron",
    name: "Heron",
    price: 72,
    wind: [1, 3],
    span: "1.4 m",
    lines: "one",
    words:
      "Tall and patient: it flies when others lie on the grass. One line, no skill, for a beginner and for anyone who would rather look than steer.",
  },
  {
    id: "albatross",
    name: "Albatross",
    price: 148,
    wind: [3, 6],
    span: "2.9 m",
    lines: "one",
    words:
      "Three metres of wing for the open beach. It climbs by itself and stays up all day; bring gloves and something to tie it to.",
  },
  {
    id: "lapwing",
    name: "Lapwing",
    price: 81,
    wind: [4, 6],
    span: "1.9 m",
    lines: "one",
    words: "A patchwork box kite for gusty days, steady where flat kites dance. Folds flat, stands up in a minute.",
  },
  {
    id: "wren",
    name: "Wren",
    price: 27,
    wind: [2, 4],
    span: "1.3 m",
    lines: "one",
    words: "Fits a coat pocket, flies from a balcony. No spars, nothing to break: a beginner of six can have it.",
  },
];

export const kite = (id) => KITES.find((one) => one.id === id);
export const euros = (amount) => "€ " + amount;

/** A kite as a card that leads to its page. */
export function card({ id, name, price, words }) {
  const item = document.createElement("li");
  item.innerHTML = `<a class="card"><img width="400" height="300" alt="" loading="lazy" /><strong></strong><span></span><b></b></a>`;
  const [link, picture, title, text, cost] = ["a", "img", "strong", "span", "b"].map((part) => item.querySelector(part));
  link.href = "product.html?id=" + id;
  picture.src = `images/${id}.svg`;
  title.textContent = name;
  text.textContent = words.split(/[.:] /)[0] + ".";
  cost.textContent = euros(price);
  return item;
}
