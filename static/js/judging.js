// The comparison page: no verdict slips onto a pair nobody has seen.
const PAUSE = 250;
const VERDICT = "[data-verdict], [data-verdict] *";
const UNDER_WAY = "htmx-request"; // as htmx marks what it sends
let shown = -Infinity;
let broughtBack = false;
let slipped = false; // taken back before the server had answered

// htmx sends two events to every element that goes: for a pair many hundreds, more work than all the rest of a swap.
// What was pressed stays until then: from around it htmx reads how to swap.
document.addEventListener("htmx:beforeSwap", ({ detail: { shouldSwap, target, requestConfig } }) => {
  if (!shouldSwap || !target.matches("[data-pair]")) return;
  for (const part of [...target.children]) if (!part.contains(requestConfig.elt)) part.remove();
});

// The second click of a double click lands on the next pair: verdicts rest a moment after each swap. Whoever reads
// by ear or by keyboard goes on where the pair begins, or where something is wrong with the one they sent.
document.addEventListener("htmx:afterSwap", ({ detail: { target, requestConfig } }) => {
  if (!target.matches("[data-pair]")) return;
  shown = performance.now();
  openAtLast();
  broughtBack = Boolean(requestConfig?.elt.matches("[data-undo]"));
  const wrong = document.querySelector("[data-pair] .error a");
  (wrong ?? document.querySelector("[data-start]"))?.focus();
  if (wrong) return;
  // What was said of the pair before goes with it.
  for (const message of document.querySelectorAll("#messages > [data-message]")) message.remove();
  if (slipped) document.addEventListener("htmx:afterSettle", () => document.querySelector("[data-pair] [data-undo]")?.click(), { once: true });
  slipped = false;
});

// A conversation opens at its last turn, which is what is asked; the style sheet says so to browsers that know how.
const openAtLast = () => {
  const last = document.querySelector(".turns > :last-child");
  if (!last || CSS.supports("scroll-initial-target: nearest")) return;
  last.parentElement.scrollTop += last.getBoundingClientRect().top - last.parentElement.getBoundingClientRect().top;
};
openAtLast();

// Where nothing came in its place, there is nothing to take back.
document.addEventListener("htmx:afterRequest", ({ detail: { requestConfig } }) => {
  if (!slipped || !requestConfig.elt.matches(VERDICT)) return;
  slipped = false;
  document.querySelector("[data-undo]")?.classList.remove(UNDER_WAY);
});

document.addEventListener("click", (event) => {
  const verdict = event.target.closest("[data-verdict] button");
  if (!verdict) return;
  // htmx would drop it: what is on its way is taken back when it has arrived.
  if (verdict.matches("[data-undo]") && verdict.form.matches(`.${UNDER_WAY}, :has(.${UNDER_WAY})`)) {
    slipped ||= !verdict.matches(`.${UNDER_WAY}`);
    verdict.classList.add(UNDER_WAY);
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  // Whoever sees a slip go takes it back at once; only a second undo may be half of a double click.
  const rests = broughtBack || !verdict.matches("[data-undo]");
  if (rests && performance.now() - shown < PAUSE) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, { capture: true });
