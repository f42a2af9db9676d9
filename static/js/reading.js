// How one reads: the switches of the view menu act at once; their form keeps them for the next page.
const look = document.body.classList;

document.getElementById("view")?.addEventListener("change", ({ target, currentTarget }) => {
  if (target.type === "checkbox") look.toggle(target.name, target.checked);
  else for (const size of currentTarget.elements[target.name]) look.toggle(`text-${size.value}`, size.checked);
});

// An image opens below its placeholder, in a frame of its own: this page may load nothing from elsewhere.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.media");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const there = link.nextElementSibling;
  if (there?.matches("iframe")) return there.remove();
  const frame = Object.assign(document.createElement("iframe"), { src: link.href, title: link.textContent });
  frame.setAttribute("sandbox", "");
  link.after(frame);
});

// Code is copied as it was written. Only pages that came over a safe connection have a clipboard.
const copy = document.getElementById("copy")?.content;

function addCopies() {
  for (const code of document.querySelectorAll(".pair .highlight:not(:has(.copy))")) code.append(copy.cloneNode(true));
}

if (copy && navigator.clipboard) {
  addCopies();
  document.addEventListener("htmx:load", addCopies);
}

document.addEventListener("click", async ({ target }) => {
  const button = target.closest(".copy");
  if (!button) return;
  await navigator.clipboard.writeText(button.parentElement.querySelector("pre").textContent);
  button.querySelector("span").textContent = button.dataset.done;
});
