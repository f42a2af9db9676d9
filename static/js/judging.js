// The comparison page: no verdict slips onto a pair nobody has seen, and none is lost on the way.
const PAUSE = 250;
let shown = -Infinity;
let pressed = null;

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
  } else if (verdict.name) {
    pressed = verdict;
  }
}, { capture: true });

// How long the pair was looked at: from its swap, or the page's first paint, to the verdict.
document.addEventListener("htmx:configRequest", (event) => {
  const { elt, parameters } = event.detail;
  if (elt.matches("[data-verdict]")) parameters.duration_ms = Math.round(performance.now() - Math.max(shown, 0));
});

// A verdict that did not arrive stays chosen, with its submission id, so that sending it again cannot count twice.
function keep(form) {
  for (const button of form.querySelectorAll("[aria-pressed]")) button.removeAttribute("aria-pressed");
  pressed?.setAttribute("aria-pressed", "true");
  const notice = form.querySelector("[data-unsaved]");
  notice.hidden = false;
  notice.querySelector("button").focus();
}

const unsaved = () => document.querySelector("[data-verdict] [data-unsaved]:not([hidden])");

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("[data-verdict]");
  const { successful, xhr } = event.detail;
  if (form && !successful && (xhr.status === 0 || xhr.status >= 500)) keep(form);
});

function sendAgain() {
  const notice = unsaved();
  if (!notice || !pressed?.isConnected) return;
  notice.hidden = true;
  pressed.click();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-send-again]")) sendAgain();
});
addEventListener("online", sendAgain);
addEventListener("beforeunload", (event) => {
  if (unsaved()) event.preventDefault();
});
