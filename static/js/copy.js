// Buttons with data-copy put the text of what they name on the clipboard; they show only where that can be.
const show = () => document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = !navigator.clipboard; });

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  const label = button.querySelector("span").firstChild;
  const before = label.data;
  label.data = button.dataset.done;
  setTimeout(() => { label.data = before; }, 2000);
});
document.addEventListener("htmx:load", show);
show();
