// What is entered for a pair is kept on the server as it is entered, so that a reload, a sign-out or another device
// finds it. One draft at a time is on its way; what an older tab holds never replaces a newer one. Until the server
// says that it has it, this browser keeps it too, by account and assignment, with the version it was written upon.
const DELAY = 800;
const AGAIN = 5000;
const PATIENCE = 3000;
let timer = 0;
let sending = null;
let dirty = false;
let shown = "";
let left = false;

const form = () => document.querySelector("form[data-draft]");
const part = (name) => form()?.querySelector(name);
const key = (assignment) => `tiebreak:draft:${document.body.dataset.account}:${assignment}`;
const kept = (assignment) => JSON.parse(localStorage.getItem(key(assignment)) ?? "null");
const keep = (assignment, item) => localStorage.setItem(key(assignment), JSON.stringify(item));
const forget = (assignment) => localStorage.removeItem(key(assignment));
const idOf = (pair) => pair?.elements.assignment_id.value ?? "";

function tell(what) {
  const state = part("[data-draft-state]");
  if (state) state.textContent = what ? state.dataset[what] : "";
}

function later(delay = DELAY) {
  clearTimeout(timer);
  timer = setTimeout(save, delay);
}

// What somebody said, without what the page itself sends along.
function said(pair) {
  const ours = (name) => name !== "spans" && pair.elements[name]?.type === "hidden";
  return String(new URLSearchParams([...new FormData(pair)].filter(([name]) => !ours(name))));
}

function save(keepalive = false) {
  clearTimeout(timer);
  const pair = form();
  if (!pair || !dirty || sending || !part("[data-newer-draft]").hidden) return sending;
  dirty = false;
  sending = deliver(pair, said(pair), keepalive === true).finally(() => {
    sending = null;
    if (dirty && !timer) later();
  });
  return sending;
}

// A draft may have arrived without its answer: sent once more as it was, it is known there, and what was typed after
// it follows.
async function deliver(pair, body, keepalive) {
  const { sent } = kept(idOf(pair)) ?? {};
  if (!sent || sent === body || await send(pair, sent, keepalive)) await send(pair, body, keepalive);
}

// Whether the server has it now.
async function send(pair, body, keepalive) {
  const version = pair.elements.draft_version.value;
  keep(idOf(pair), { version, body: said(pair), sent: body });
  const whole = new URLSearchParams(body);
  for (const name of ["csrf_token", "assignment_id", "draft_version"]) whole.set(name, pair.elements[name].value);
  timer = 0;
  try {
    return await answered(pair, body, await fetch(pair.dataset.draft, { method: "POST", body: whole, keepalive: keepalive && String(whole).length < 60000 }));
  } catch {
    dirty = true;
    if (pair === form()) tell("failed");
    later(AGAIN);
    return false;
  }
}

// The pair may be judged, and another on the page, before the answer is here.
async function answered(pair, body, response) {
  if (response.redirected || response.status >= 500) throw new Error("not saved");
  const numbered = response.headers.get("Content-Type")?.includes("json");
  const { version } = numbered ? await response.json() : {};
  const item = kept(idOf(pair));
  if (item && response.ok) {
    if (item.body === body) forget(idOf(pair));
    else keep(idOf(pair), { version, body: item.body });
  }
  if (numbered) pair.elements.draft_version.value = version;
  if (pair === form()) {
    // What was typed meanwhile is on its way yet.
    tell(numbered && response.ok && !dirty ? "saved" : "");
    if (numbered && !response.ok) part("[data-newer-draft]").hidden = false;
  }
  return response.ok;
}

function fill(pair, body) {
  const values = new URLSearchParams(body);
  for (const field of pair.elements) {
    if (["radio", "checkbox"].includes(field.type)) field.checked = values.getAll(field.name).includes(field.value);
    else if (field.matches("textarea, [name=spans]")) field.value = values.get(field.name) ?? "";
  }
}

// What the server had not confirmed when the page was left.
function restore() {
  const pair = form();
  shown = idOf(pair);
  const item = pair && kept(shown);
  if (!item) return;
  fill(pair, item.body);
  pair.elements.draft_version.value = item.version;
  dirty = true;
  save();
}

document.addEventListener("input", ({ target }) => {
  const pair = target.form;
  if (!pair?.matches("[data-draft]")) return;
  dirty = true;
  tell("");
  later();
  keep(idOf(pair), { version: pair.elements.draft_version.value, ...kept(idOf(pair)), body: said(pair) });
});

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-take-newer]")) {
    forget(shown);
    location.reload();
  }
  if (!target.closest("[data-keep-mine]")) return;
  part("[data-newer-draft]").hidden = true;
  dirty = true;
  save();
});

// Another pair begins clean, and the one that was judged or skipped needs no draft.
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (idOf(form()) === shown) return;
  clearTimeout(timer);
  dirty = false;
  if (!detail.requestConfig?.path.endsWith("/undo")) forget(shown);
  restore();
});

// Whoever signs out is signed out after the draft is there, not before.
document.addEventListener("submit", async (event) => {
  const leaving = event.target;
  if (left || !leaving.matches(".site-header form:not([hx-post])") || !(dirty || sending)) return;
  event.preventDefault();
  left = true;
  const done = Promise.resolve(sending).then(() => save());
  await Promise.race([done, new Promise((resolve) => { setTimeout(resolve, PATIENCE); })]);
  leaving.requestSubmit(event.submitter);
});

// A page that is left sends what it has.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") save(true);
});
addEventListener("pagehide", () => save(true));

restore();
