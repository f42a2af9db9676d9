// Active time: how long a pair was on the screen of a visible tab, pauses cut. It goes with the verdict,
// and a break is suggested by it; nothing else is measured.
const IDLE = 60_000;
const REST = 300_000;
const KEPT = "sitting";
// What holds it is there from the start, so that it is read out when it comes.
const notice = document.querySelector("[data-break] form");
const resting = document.querySelector("[data-resting]");

let counted = 0;
let shownAt = 0;
let last = performance.now();
let visible = !document.hidden;
let sitting = kept();

function kept() {
  const [spent, at] = (sessionStorage.getItem(KEPT) ?? "0 0").split(" ").map(Number);
  return Date.now() - at < REST ? spent : 0;
}

// Counts what passed since the last sign of somebody; who was away for long had their break.
function tick() {
  const now = performance.now();
  const passed = now - last;
  const active = visible ? Math.min(passed, IDLE) : 0;
  counted += active;
  sitting = passed > REST ? 0 : sitting + active;
  last = now;
  visible = !document.hidden;
}

// Between two pairs: what is being read does not move.
function suggest() {
  if (notice && sitting >= notice.parentElement.dataset.break * 60_000) notice.hidden = false;
}

suggest();

for (const sign of ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchmove"]) {
  addEventListener(sign, tick, { passive: true, capture: true });
}
document.addEventListener("visibilitychange", tick);
addEventListener("pagehide", () => {
  tick();
  sessionStorage.setItem(KEPT, `${sitting} ${Date.now()}`);
});

document.addEventListener("htmx:afterSwap", (event) => {
  const { target } = event.detail;
  if (!target.matches("[data-pair]") && !target.querySelector("[data-pair]")) return;
  tick();
  shownAt = counted;
  if (resting) resting.hidden = true;
  suggest();
});

document.addEventListener("htmx:configRequest", (event) => {
  const { elt, parameters } = event.detail;
  if (!elt.matches("[data-verdict]")) return;
  tick();
  parameters.duration_ms = Math.round(counted - shownAt);
});

notice?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  sitting = 0;
  notice.hidden = true;
  resting.hidden = button.value !== "true";
  document.querySelector("[data-pair] :is([data-start], [autofocus])")?.focus();
});
