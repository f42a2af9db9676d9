// The comparison page: no verdict slips onto a pair nobody has seen.
const PAUSE = 250;
let shown = -Infinity;

// The second click of a double click lands on the next pair: verdicts rest a moment after each swap. Whoever reads
// by ear or by keyboard goes on where the pair begins, or where something is wrong with the one they sent.
document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
  if (!target.matches("[data-pair]")) return;
  shown = performance.now();
  (document.querySelector("[data-pair] .error a") ?? document.querySelector("[data-start]"))?.focus();
});

document.addEventListener("click", (event) => {
  const verdict = event.target.closest("[data-verdict] button");
  if (!verdict) return;
  if (performance.now() - shown < PAUSE) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, { capture: true });
