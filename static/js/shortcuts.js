// A key does what the visible link, button or field that names it in aria-keyshortcuts would do.
// "?" lists them all.
const typing = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button], [type=submit])";
const scroller = "[tabindex='0']";
const ARROWS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓" };
const list = document.getElementById("keys");

// What lies in a menu has its keys while the menu is closed; but not the list of reasons to skip, whose keys are others'.
// Where fingers point there is no button that lists the keys, but there may be keys.
function visible(element) {
  const unseen = element.matches("[data-keys]") && matchMedia("(hover: none)").matches;
  const shown = unseen || (element.closest(".menu:not(.up)") ?? element).checkVisibility({ visibilityProperty: true });
  return shown && !element.closest("[inert]");
}

// An open dialog or menu has the keys to itself, and so has what is open beside the page while it holds the focus: an
// arrow scrolls it, a digit chooses in it. What only shows something closes with the key that opened it.
function scope() {
  return document.querySelector("dialog:modal, [popover]:popover-open") ?? document.querySelector(".menu.up[open], .drawer[open]:focus-within") ?? document;
}

function bound() {
  const place = scope();
  const openers = place.matches?.(".drawer:not(:has(textarea))") ? document.querySelectorAll("[aria-keyshortcuts][aria-expanded]") : [];
  return [...place.querySelectorAll("[aria-keyshortcuts]"), ...openers].filter(visible);
}

function keysOf(element) {
  return (element.getAttribute("aria-keyshortcuts") ?? element.dataset.walk).split(/\s+/);
}

// The letter of a keyboard that writes another script is the one that stands in its place on ours.
function pressedKey({ key, code }) {
  if (key === "؟" || key === "？") return "?";
  return (/[^\x00-\x7f]/.test(key) ? code.replace(/^Key|^Digit/, "") : key).toLowerCase();
}

// Whoever reached a radio, a response or a wide piece of code with the keyboard moves in it with the arrows.
function keepsArrows(focused, key) {
  if (focused.matches("input[type=radio]")) return true;
  if (!focused.matches(scroller)) return false;
  const vertical = key === "ArrowUp" || key === "ArrowDown";
  return vertical ? focused.scrollHeight > focused.clientHeight : focused.scrollWidth > focused.clientWidth;
}

function reserved(event) {
  if (event.defaultPrevented || event.repeat || event.isComposing) return true;
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  const focused = document.activeElement ?? document.body;
  return focused.matches(typing) || (event.key in ARROWS && keepsArrows(focused, event.key));
}

// What hides the verdict says so when somebody reaches for it.
function sayWhyNot(means) {
  const hider = document.querySelector("[data-why-not]:not([open])");
  if (hider && [...document.querySelectorAll("[aria-keyshortcuts]")].some(means)) {
    hider.querySelector("[role=status]").textContent = hider.dataset.whyNot;
  }
}

// On a scale of degrees an arrow names a side but not how much: it walks along the buttons, Enter chooses.
function walkScale(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const degrees = bound().filter((element) => element.matches(".graded button"));
  if (!step || !degrees.length) return false;
  const from = degrees.indexOf(document.activeElement);
  const nearest = step < 0 ? degrees.findLast((one) => one.value.startsWith("a:")) : degrees.find((one) => one.value.startsWith("b:"));
  (from < 0 ? nearest : degrees[from + step])?.focus();
  event.preventDefault();
  return true;
}

// In the list of reasons to skip the arrows move, Enter chooses.
function walkMenu(event) {
  const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[event.key];
  const items = [...document.querySelectorAll(".menu.up[open] button")];
  if (!step || !items.length) return false;
  const from = items.indexOf(document.activeElement);
  items.at(from < 0 && step < 0 ? -1 : (from + step) % items.length).focus();
  event.preventDefault();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (reserved(event)) return;
  const pressed = pressedKey(event);
  const means = (element) => keysOf(element).some((key) => key.toLowerCase() === pressed);
  const target = bound().find((element) => means(element) && !element.matches(":disabled"));
  if (!target) return walkMenu(event) || walkScale(event) || sayWhyNot(means);
  event.preventDefault();
  const field = target.matches("textarea, select, input:not([type=checkbox]), .chips input");
  if (field) target.focus();
  if (!field || target.matches("[type=radio]")) target.click();
  if (target.matches(".menu.up[open] summary")) target.parentElement.querySelector("button").focus();
});

// Escape leaves a field of the pair, so that the next key is a verdict again.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.activeElement?.closest("[data-pair] :is(input, textarea)")?.blur();
});

// A click into text is for selecting; it must not take the arrows away from the verdict.
document.addEventListener("pointerup", () => {
  if (document.activeElement?.matches(scroller)) document.activeElement.blur();
});

// What a key does: in the words of its whole group where it leads to the first of several.
function wordsOf(element) {
  const said = element.dataset.does ?? element.getAttribute("aria-label") ?? element.closest(".chips")?.getAttribute("aria-label");
  if (said) return said;
  const named = (element.labels?.[0] ?? element).cloneNode(true);
  for (const extra of named.querySelectorAll("kbd, [aria-hidden]")) extra.remove();
  return named.textContent.trim();
}

function describe(element) {
  const name = document.createElement("dd");
  name.textContent = wordsOf(element);
  const keys = document.createElement("dt");
  for (const key of keysOf(element)) {
    const cap = document.createElement("kbd");
    cap.textContent = ARROWS[key] ?? key;
    keys.append(cap, " ");
  }
  return [keys, name];
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-keys]");
  if (!opener) return;
  event.preventDefault();
  list.querySelector("dl").replaceChildren(...[...bound(), ...document.querySelectorAll("[data-walk]")].flatMap(describe));
  list.showModal();
});
