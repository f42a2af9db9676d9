// A link with data-drawer opens beside the page; without this script it is followed like any other. What is written
// there is kept in this tab by the link's address, so that it belongs to its pair and is there when that is opened again.
const drawer = document.getElementById("drawer");
const title = document.getElementById("drawer-title");
const content = document.getElementById("drawer-content");
let opener = null;

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

async function open(link) {
  const answer = await fetch(link.href);
  if (!answer.ok || answer.redirected) return location.assign(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // Another pair may be here by now.
  if (!link.isConnected) return;
  content.replaceChildren(...page.querySelector("main").childNodes);
  content.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true }));
  title.textContent = link.dataset.drawer;
  link.setAttribute("aria-expanded", "true");
  drawer.show();
  if (form()) fill();
  (form() ? fields()[0] : content).focus();
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
  const menu = document.activeElement?.closest(".menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (drawer.open) drawer.close();
});

content.addEventListener("input", () => form() && keep());
content.addEventListener("submit", ({ target }) => target === form() && sessionStorage.removeItem(key()));

// What is written of a pair goes with it.
document.addEventListener("htmx:afterSwap", () => {
  if (drawer.open && form() && !opener.isConnected) drawer.close();
});

// A click beside its fields is still one in it: the keys stay there.
drawer.addEventListener("click", () => {
  if (!drawer.contains(document.activeElement)) content.focus();
});

// Told after the fact: something else may be open by then.
drawer.addEventListener("close", () => {
  if (drawer.open) return;
  opener.removeAttribute("aria-expanded");
  opener.focus();
});
