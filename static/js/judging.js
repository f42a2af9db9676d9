// The comparison page: no verdict slips onto a pair nobody has seen.
const PAUSE = 250;
const UNDO = "[formaction$='/undo']";
let shown = -Infinity;
let broughtBack = false;

// The second click of a double click lands on the next pair: verdicts rest a moment after each swap. Whoever reads
// by ear or by keyboard goes on where the pair begins, or where something is wrong with the one they sent.
document.addEventListener("htmx:afterSwap", ({ detail: { target, requestConfig } }) => {
  if (!target.matches("[data-pair]")) return;
  shown = performance.now();
  broughtBack = Boolean(requestConfig?.elt.matches(UNDO));
  (document.querySelector("[data-pair] .error a") ?? document.querySelector("[data-start]"))?.focus();
});

document.addEventListener("click", (event) => {
  const verdict = event.target.closest("[data-verdict] button");
  if (!verdict) return;
  // Whoever sees a slip go takes it back at once; only a second undo may be half of a double click.
  const rests = broughtBack || !verdict.matches(UNDO);
  if (rests && performance.now() - shown < PAUSE) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, { capture: true });
