/** Buttons that make the page slow, so that it can be seen elsewhere how that looks. */
const BUSY_MS = 400;
/** Browsers forgive shifts within half a second of a click, as its answer; this one must come later. */
const BANNER_MS = 1500;
const PICTURE_MS = 3000;

const said = document.querySelector("[data-trouble-said]");

const troubles = {
  handler() {
    const end = performance.now() + BUSY_MS;
    while (performance.now() < end) Math.sqrt(end);
    said.textContent = `Here is the answer, ${BUSY_MS} ms late.`;
  },
  banner() {
    said.textContent = "It is on its way. Keep looking at the page.";
    setTimeout(() => {
      const banner = document.createElement("p");
      banner.className = "banner";
      banner.textContent = "Free delivery today, for everyone who was about to press something else.";
      // Browsers hold the page still for what comes above the fold, unless they are told not to.
      document.documentElement.style.overflowAnchor = "none";
      document.querySelector("[data-banner]").append(banner);
    }, BANNER_MS);
  },
  picture() {
    const again = new URL(location.href);
    again.searchParams.set("late", "1");
    location.href = again;
  },
  error() {
    said.textContent = "Thrown. Nothing else happens, which is the trouble with errors.";
    // Not in this handler, so that the line above is painted.
    setTimeout(() => {
      throw new TypeError("the demo's error button was pressed");
    });
  },
};

for (const button of document.querySelectorAll("[data-trouble]"))
  button.addEventListener("click", troubles[button.dataset.trouble]);

const picture = document.querySelector("[data-largest]");
if (picture && new URLSearchParams(location.search).has("late")) {
  const { src } = picture;
  picture.removeAttribute("src");
  // Under another name, for the browser may have it by now.
  setTimeout(() => (picture.src = src + "?late"), PICTURE_MS);
}
