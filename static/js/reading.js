// How one reads: the switches of the view menu act at once; their form keeps them for the next page.
const look = document.body.classList;

document.getElementById("view")?.addEventListener("change", ({ target, currentTarget }) => {
  if (target.type === "checkbox") look.toggle(target.name, target.checked);
  else for (const size of currentTarget.elements[target.name]) look.toggle(`text-${size.value}`, size.checked);
});
