// A link with data-drawer opens beside the page; without this script it is followed like any other. What is written
// there is kept in this tab by the link's address, so that it belongs to its pair and is there when that is opened again.
const drawer = document.getElementById("drawer");
const title = document.getElementById("drawer-title");
const content = document.getElementById("drawer-content");
const messages = document.getElementById("messages");
const noAnswer = document.getElementById("no-answer");
// What is longer than the drawer would scroll its head out of sight.
const STAYING = { preventScroll: true };
let opener = null;
let sending = false;

const form = () => content.querySelector("form:has(textarea)");
const key = () => `tiebreak:drawer:${opener.href}`;
const fields = () => [...form().elements].filter((field) => field.matches("textarea, [type=radio]"));

function keep() {
  const said = fields().map((field) => field.type === "radio" ? field.checked : field.value);
  sessionStorage.setItem(key(), JSON.stringify(said));
}

function fill() {
  const said = JSON.parse(sessionStorage.getItem(key()) ?? "[]");
  for (const [at, field] of fields().entries()) {
    if (at >= said.length) return;
    if (field.type === "radio") field.checked = said[at];
    else field.value = said[at];
  }
}

const parsed = async (answer) => new DOMParser().parseFromString(await answer.text(), "text/html");

function show(page) {
  content.replaceChildren(...page.querySelector("main").childNodes);
  content.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true }));
}

async function open(link) {
  const answer = await fetch(link.href);
  if (!answer.ok || answer.redirected) return location.assign(link.href);
  const page = await parsed(answer);
  // Another pair may be here by now.
  if (!link.isConnected) return;
  show(page);
  title.textContent = link.dataset.drawer;
  link.setAttribute("aria-expanded", "true");
  drawer.show();
  if (form()) fill();
  if (form()) fields()[0].focus();
  else content.focus(STAYING);
}

// What is written is forgotten when the server has it, and not before.
async function send(sent, submitter) {
  const words = key();
  const answer = await fetch(sent.action, { method: "POST", body: new FormData(sent, submitter) });
  if (answer.status >= 500) throw new Error("not sent");
  const page = await parsed(answer);
  if (!answer.redirected) {
    show(page);
    return content.focus();
  }
  if (!page.querySelector("[data-pair]")) return location.assign(answer.url);
  sessionStorage.removeItem(words);
  messages.replaceChildren(...page.getElementById("messages").childNodes);
  if (sent.isConnected) drawer.close();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-drawer]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    if (drawer.open) drawer.close();
    else {
      opener = link;
      open(link).catch(() => location.assign(link.href));
    }
  }
  for (const menu of document.querySelectorAll(".menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector(".menu[open]");
  if (menu) {
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  } else if (drawer.open) drawer.close();
});

content.addEventListener("input", () => form() && keep());
content.addEventListener("submit", async (event) => {
  const sent = event.target;
  if (sent !== form()) return;
  event.preventDefault();
  if (sending) return;
  sending = true;
  sent.querySelector("[data-message]")?.remove();
  await send(sent, event.submitter).catch(() => sent.prepend(noAnswer.content.cloneNode(true)));
  sending = false;
});

// What is written of a pair goes with it.
document.addEventListener("htmx:afterSwap", () => {
  if (drawer.open && form() && !opener.isConnected) drawer.close();
});

// A click beside its fields is still one in it: the keys stay there.
drawer.addEventListener("click", () => {
  if (!drawer.contains(document.activeElement)) content.focus(STAYING);
});

// Told after the fact: something else may be open by then.
drawer.addEventListener("close", () => {
  if (drawer.open) return;
  opener.removeAttribute("aria-expanded");
  opener.focus();
});
