import { contents, empty, put } from "./basket.js";
import { euros, kite } from "./catalog.js";
import { icarus } from "./measure.js";

const table = document.querySelector("[data-lines-of-basket]");
const form = document.querySelector("[data-pay]");
const button = document.querySelector("[data-arm]");
const ordered = document.querySelector("[data-ordered]");

/** Which words the button has is an experiment; a visitor stays in one arm. */
const arm = localStorage.getItem("checkout") ?? (Math.random() < 0.5 ? "A" : "B");
localStorage.setItem("checkout", arm);
icarus("setExperiment", "checkout", arm);
button.textContent = arm === "A" ? "Order" : "Order now, fly tomorrow";

function draw() {
  const lines = Object.entries(contents()).flatMap(([id, number]) => (kite(id) ? [{ ...kite(id), number }] : []));
  const sum = lines.reduce((total, { price, number }) => total + price * number, 0);
  table.replaceChildren(...lines.map(row), ...(lines.length ? [total(sum)] : []));
  document.querySelector("[data-empty]").hidden = lines.length > 0;
  button.disabled = lines.length === 0;
}

function row({ id, name, price, number }) {
  const line = document.createElement("tr");
  line.innerHTML = `<th scope="row"><img width="64" height="48" alt="" /><a></a></th><td><input type="number" min="0" max="9" /></td><td></td>`;
  const [picture, link, amount] = ["img", "a", "input"].map((part) => line.querySelector(part));
  picture.src = `images/${id}.svg`;
  link.href = "product.html?id=" + id;
  link.textContent = name;
  amount.value = number;
  amount.setAttribute("aria-label", `How many of ${name}`);
  amount.addEventListener("change", () => {
    put(id, Math.min(9, Math.max(0, Math.floor(amount.value))));
    draw();
  });
  line.lastElementChild.textContent = euros(price * number);
  return line;
}

function total(sum) {
  const line = document.createElement("tr");
  line.className = "total";
  line.innerHTML = `<th scope="row">Together</th><td></td><td></td>`;
  line.lastElementChild.textContent = euros(sum);
  return line;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  empty();
  draw();
  form.reset();
  ordered.textContent = "Thank you. Nothing was ordered, and nobody will bring it.";
  icarus("measure", "orders", 1, "count");
});

draw();
