// What is entered for a pair is kept on the server as it is entered, so that a reload, a sign-out or another device
// finds it. One draft at a time is on its way; what an older tab holds never replaces a newer one.
const DELAY = 800;
const AGAIN = 5000;
let timer = 0;
let sending = null;
let dirty = false;

const form = () => document.querySelector("form[data-draft]");
const part = (name) => form()?.querySelector(name);

function tell(what) {
  const state = part("[data-draft-state]");
  if (state) state.textContent = what ? state.dataset[what] : "";
}

function later(delay = DELAY) {
  clearTimeout(timer);
  timer = setTimeout(save, delay);
}

async function save(keepalive = false) {
  clearTimeout(timer);
  const pair = form();
  if (!pair || !dirty || sending || !part("[data-newer-draft]").hidden) return;
  dirty = false;
  const body = new URLSearchParams(new FormData(pair));
  const request = fetch(pair.dataset.draft, { method: "POST", body, keepalive: keepalive === true && String(body).length < 60000 });
  sending = request;
  try {
    await answered(pair, await request);
  } catch {
    dirty = true;
    if (pair === form()) tell("failed");
    later(AGAIN);
  }
  sending = null;
  if (dirty) later();
}

// The pair may be judged, and another on the page, before the answer is here.
async function answered(pair, response) {
  if (pair !== form()) return;
  if (response.redirected || response.status >= 500) throw new Error("not saved");
  if (!response.headers.get("Content-Type")?.includes("json")) return tell("");
  const { version } = await response.json();
  pair.elements.draft_version.value = version;
  if (response.ok) return tell("saved");
  tell("");
  part("[data-newer-draft]").hidden = false;
}

document.addEventListener("input", ({ target }) => {
  if (!target.form?.matches("[data-draft]")) return;
  dirty = true;
  tell("");
  later();
});

document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-take-newer]")) location.reload();
  if (!target.closest("[data-keep-mine]")) return;
  part("[data-newer-draft]").hidden = true;
  dirty = true;
  save();
});

// Another pair begins clean; a page that is left sends what it has.
document.addEventListener("htmx:afterSwap", () => {
  clearTimeout(timer);
  dirty = false;
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") save(true);
});
addEventListener("pagehide", () => save(true));
