// A verdict is kept in this browser from the moment it is given until the server has it: through a lost network, a
// restart, a full disk, a reload and a sign-out. Sent again with its submission id, it counts once. It is kept by
// account, so that nobody else who signs in here sends it.
const FIRST = 2000;
const LONGEST = 60000;
const QUICK = 150;
const { account } = document.body.dataset;
const key = `tiebreak:unsent:${account}`;
const under_way = new Set(); // those that htmx is sending
let busy = false;
let timer = 0;
let wait = FIRST;
let letGo = () => {};

const kept = () => JSON.parse(localStorage.getItem(key) ?? "[]");
const pair = () => document.querySelector("[data-verdict]");
const isShown = (item) => pair()?.elements.assignment_id.value === item.assignment;

function keep(items) {
  if (items.length) localStorage.setItem(key, JSON.stringify(items));
  else localStorage.removeItem(key);
}

const drop = (id) => keep(kept().filter((item) => item.id !== id));
const settle = (item) => keep(kept().filter(({ assignment }) => assignment !== item.assignment));
const waiting = () => kept().find((item) => isShown(item) && !item.refused && !under_way.has(item.id));
const put = (item) => keep([...kept().filter(({ id }) => id !== item.id), item]);

// What the page says of it, once: by the verdict where there is one, else above the page.
function tell(name, detail = "") {
  const place = pair()?.querySelector("[data-unsent]") ?? document.getElementById("unsent");
  if (name && place.dataset.unsent === name + detail) return;
  for (const other of document.querySelectorAll("[data-unsent]")) {
    other.dataset.unsent = "";
    other.replaceChildren();
  }
  if (!name) return;
  place.dataset.unsent = name + detail;
  place.append(document.getElementById(`unsent-${name}`).content.cloneNode(true));
  if (detail) place.querySelector("[data-detail]").textContent = detail;
}

function tellState() {
  const items = kept().filter(({ id }) => !under_way.has(id));
  const refused = items.find((item) => item.refused);
  if (refused) tell("refused", refused.refused);
  else if (items.length) tell("waiting");
}

function press(outcome) {
  for (const button of pair().querySelectorAll("button[name=outcome]")) {
    if (button.value === outcome) button.setAttribute("aria-pressed", "true");
    else button.removeAttribute("aria-pressed");
  }
}

const outcomeOf = (item) => new URLSearchParams(item.body).get("outcome");
const pressed = () => pair()?.querySelector("button[name=outcome][aria-pressed]");

// The verdict that waits stays chosen, under its own submission id.
function choose(item) {
  if (!isShown(item)) return;
  pair().elements.submission_id.value = item.id;
  press(outcomeOf(item));
  lendUndo(true);
}

// Where nothing was judged before it, there is still the verdict that waits to be taken back.
function lendUndo(lent) {
  const button = pair().querySelector("[data-undo]");
  if (lent && button.disabled) button.dataset.lent = "";
  button.disabled = !lent && "lent" in button.dataset;
}

// On a slow line the verdict is seen to be taken; on a quick one nothing flickers.
function take(item, form) {
  const before = pressed()?.value;
  const slow = setTimeout(() => {
    press(outcomeOf(item));
    form.setAttribute("aria-busy", "true");
  }, QUICK);
  letGo = () => {
    clearTimeout(slow);
    if (!form.isConnected) return;
    form.removeAttribute("aria-busy");
    press(before);
  };
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(flush, wait);
  wait = Math.min(wait * 2, LONGEST);
}

async function send(item) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const headers = { "HX-Request": "true", "X-CSRFToken": token };
  const body = new URLSearchParams(item.body);
  const response = await fetch(item.url, { method: "POST", headers, body, signal: AbortSignal.timeout(15000) });
  if (response.status >= 500 || response.status === 429) throw new Error("not now");
  return { response, text: await response.text() };
}

// The next pair comes with the answer; where it is not asked for any more, only its judgment counts.
function accepted(item, response, text) {
  settle(item);
  const elsewhere = response.headers.get("HX-Redirect");
  if (elsewhere && isShown(item)) return location.assign(elsewhere);
  if (isShown(item)) htmx.swap(pair(), text, { swapStyle: "outerHTML" }, { eventInfo: { target: pair() } });
  // The answer said so, too.
  document.getElementById("said")?.replaceChildren();
  tell("saved");
}

function refused(item, text) {
  const said = new DOMParser().parseFromString(text, "text/html").querySelector("[data-message], .message");
  put({ ...item, refused: said?.textContent.trim().replace(/\s+/g, " ") || "?" });
}

async function flush() {
  clearTimeout(timer);
  const next = kept().find((item) => !item.refused && !under_way.has(item.id));
  if (busy || !next) return tellState();
  busy = true;
  if (navigator.onLine) put({ ...next, unsent: false });
  try {
    const { response, text } = await send(next);
    // 204: signed out meanwhile. It waits for whoever it belongs to.
    if (response.ok && response.status !== 204) accepted(next, response, text);
    else if (!response.ok) refused(next, text);
    wait = FIRST;
    busy = false;
    if (response.status !== 204) return flush();
  } catch {
    later();
  }
  busy = false;
  tellState();
}

document.addEventListener("htmx:beforeRequest", ({ detail: { elt, requestConfig } }) => {
  if (!elt.matches("[data-verdict]")) return;
  const said = new URLSearchParams(requestConfig.formData);
  said.delete("csrf_token");
  const item = { id: said.get("submission_id"), assignment: said.get("assignment_id"), url: requestConfig.path, body: String(said), unsent: !navigator.onLine };
  under_way.add(item.id);
  take(item, elt);
  put(item);
});

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // What the notice by the verdict says need not be said above the page as well.
  if (detail.requestConfig.elt.matches("[data-verdict]") && detail.xhr.status >= 500) detail.shouldSwap = false;
});

// The form itself may have been replaced by now, and htmx then names what held it.
document.addEventListener("htmx:afterRequest", ({ detail: { xhr, requestConfig } }) => {
  if (!requestConfig.elt.matches("[data-verdict]")) return;
  const id = requestConfig.formData.get("submission_id");
  under_way.delete(id);
  letGo();
  const lost = xhr.status === 0 || xhr.status >= 500 || xhr.status === 429;
  // 204: signed out; 400: signed in again in another tab. Both are sent by the next page.
  if (xhr.status === 200) settle({ assignment: requestConfig.formData.get("assignment_id") });
  else if (!lost && ![204, 400].includes(xhr.status)) drop(id);
  if (!lost) return tell("");
  const waited = pressed()?.value;
  choose(kept().find((item) => item.id === id));
  // Of another verdict it is said again.
  if (waited && waited !== pressed()?.value) {
    tell("");
    document.getElementById("said").textContent = pressed().querySelector("span").textContent;
  }
  tell("waiting");
  pair()?.querySelector("[data-unsent] button")?.focus();
  later();
});

// As a form of its own, so that the server shows it with all that was entered.
function open(item) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: item.url, hidden: true });
  const fields = new URLSearchParams(item.body);
  fields.set("csrf_token", JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"]);
  for (const [name, value] of fields) {
    const field = document.createElement("textarea");
    Object.assign(field, { name, value });
    form.append(field);
  }
  document.body.append(form);
  form.submit();
}

// Undo means the verdict that waits. The server cannot have what was never sent; of all else nobody knows until it answers.
document.addEventListener("click", (event) => {
  const item = event.target.closest("[data-verdict] [data-undo]") && waiting();
  if (!item) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (!item.unsent) return tell("sent");
  drop(item.id);
  press();
  lendUndo(false);
  tell("withdrawn");
}, { capture: true });

document.addEventListener("click", ({ target }) => {
  const first = kept().find((item) => item.refused);
  if (target.closest("[data-send-again]")) flush();
  else if (target.closest("[data-open-refused]") && first) open(first);
  else if (target.closest("[data-discard-refused]") && first) {
    drop(first.id);
    tell("");
    tellState();
  }
});
addEventListener("online", flush);
addEventListener("beforeunload", (event) => {
  if (kept().some((item) => !item.refused)) event.preventDefault();
});

if (account && kept().length) {
  kept().forEach(choose);
  flush();
}
