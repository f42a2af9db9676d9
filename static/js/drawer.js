// A link with data-drawer opens beside the page; without this script it is followed like any other.
const drawer = document.getElementById("drawer");
const title = document.getElementById("drawer-title");
const content = document.getElementById("drawer-content");
let opener = null;

async function open(link) {
  const answer = await fetch(link.href);
  if (!answer.ok || answer.redirected) return location.assign(link.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  content.replaceChildren(...page.querySelector("main").childNodes);
  content.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true }));
  title.textContent = link.dataset.drawer;
  drawer.show();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-drawer]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    opener = link;
    if (drawer.open) drawer.close();
    else open(link).catch(() => location.assign(link.href));
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

drawer.addEventListener("close", () => opener?.focus());
