// The comparison page: no verdict slips onto a pair nobody has seen.
const PAUSE = 250;
let shown = -Infinity;

// The second click of a double click lands on the next pair: verdicts rest a moment after each swap.
document.addEventListener("htmx:afterSwap", (event) => {
  const { target } = event.detail;
  if (target.matches("[data-pair]") || target.querySelector("[data-pair]")) shown = performance.now();
});

document.addEventListener("click", (event) => {
  const verdict = event.target.closest("[data-verdict] button");
  if (!verdict) return;
  if (performance.now() - shown < PAUSE) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, { capture: true });
