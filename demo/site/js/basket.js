/** The basket: kite ids with their number, kept in this browser only. */
const KEPT_AS = "basket";

export function contents() {
  try {
    return JSON.parse(localStorage.getItem(KEPT_AS)) ?? {};
  } catch {
    return {};
  }
}

export function put(id, number) {
  const basket = { ...contents(), [id]: number };
  if (number < 1) delete basket[id];
  localStorage.setItem(KEPT_AS, JSON.stringify(basket));
  count();
}

export function empty() {
  localStorage.removeItem(KEPT_AS);
  count();
}

function count() {
  const number = Object.values(contents()).reduce((sum, one) => sum + one, 0);
  for (const place of document.querySelectorAll("[data-basket-count]")) place.textContent = number || "";
}

count();
