// What a rubric asks, by keyboard: one key leads to the first question that is open, a digit chooses there and leads on
// to the next one, arrows move, Escape leaves (see shortcuts.js).
const CHOICE = "[type=radio], [type=checkbox]";

const fieldsOf = (question) => [...question.querySelectorAll("input, textarea")];
const isOpen = (question) => !fieldsOf(question).some((field) => field.matches(CHOICE) ? field.checked : field.value);
const enter = (question) => (question.querySelector(":checked") ?? fieldsOf(question)[0]).focus();

// One rated for both responses is two questions.
function questions() {
  return [...document.querySelectorAll("[data-asks] .ask")].filter((one) => !one.querySelector(".ask"));
}

// The failure tags of a response, folded or not as they were on the pair before.
const FOLDED = "tiebreak:tags";

function unfold() {
  if (localStorage.getItem(FOLDED) !== "open") return;
  for (const tags of document.querySelectorAll("[data-tags]")) tags.open = true;
}

document.addEventListener("click", (event) => {
  const { target, detail } = event;
  if (target.matches("[data-asks]")) return enter(questions().find(isOpen) ?? questions()[0]);
  const summary = target.closest("[data-tags] > summary");
  if (!summary) return;
  const tags = summary.parentElement;
  // The key of the tags, which leads to them wherever one is.
  const led = !detail && document.activeElement !== summary;
  if (led) {
    event.preventDefault();
    tags.open = true;
    tags.querySelector("input").focus();
  }
  localStorage.setItem(FOLDED, led || !tags.open ? "open" : "folded");
});
document.addEventListener("htmx:afterSwap", unfold);
unfold();

function next(fields, at, key) {
  const onward = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
  const step = key === "ArrowDown" || key === onward ? 1 : -1;
  return fields[(fields.indexOf(at) + step + fields.length) % fields.length];
}

// Before shortcuts.js: with a choice in hand a digit or an arrow is no verdict.
document.addEventListener("keydown", (event) => {
  const at = document.activeElement;
  const group = at?.matches(CHOICE) && at.closest("[data-pair] :is(.ask, .chips)");
  if (!group || event.ctrlKey || event.metaKey || event.altKey) return;
  const fields = [...group.querySelectorAll(CHOICE)];
  if (/^Digit|^Numpad\d/.test(event.code)) {
    event.preventDefault();
    const chosen = fields[(Number(event.code.at(-1)) || 10) - 1];
    chosen?.click();
    const place = questions().indexOf(group);
    const following = at.matches("[type=radio]") && chosen && place >= 0 && questions()[place + 1];
    if (following) enter(following);
    else chosen?.focus();
  } else if (event.key.startsWith("Arrow") && at.matches("[type=checkbox]")) {
    event.preventDefault();
    next(fields, at, event.key).focus();
  }
}, { capture: true });

// Whoever chooses with the mouse has not moved there with the keys: arrows stay verdicts.
document.addEventListener("click", ({ target, detail }) => {
  if (detail && target.matches(CHOICE) && target.closest("[data-pair]")) target.blur();
});

// What is missing is said beside its question, in the page's language and until it is answered; the browser's own
// bubble is gone in a moment, and in the browser's language.
let told = false;

function sayMissing(question, field) {
  const words = question.querySelector(":scope > .error") ?? question.appendChild(document.createElement("p"));
  Object.assign(words, { className: "error", id: `missing/${field.name}` });
  words.textContent = field.validity.tooShort ? field.dataset.short : question.closest("[data-asks]").dataset.missing;
  field.setAttribute("aria-describedby", words.id);
}

document.addEventListener("invalid", (event) => {
  const question = event.target.closest("[data-asks] .ask");
  if (!question) return;
  event.preventDefault();
  sayMissing(question, event.target);
  if (!told) event.target.focus();
  told = true;
  setTimeout(() => { told = false; });
}, { capture: true });

document.addEventListener("input", ({ target }) => {
  const question = target.closest("[data-asks] .ask");
  if (!question || fieldsOf(question).some((field) => !field.validity.valid)) return;
  question.querySelector(":scope > .error")?.remove();
  for (const field of fieldsOf(question)) field.removeAttribute("aria-describedby");
});
