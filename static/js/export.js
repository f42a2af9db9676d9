// The export page: what is marked is sent in few words, and its panels tell of what is chosen and done now.
const form = document.querySelector("form.beside");
const fields = form.querySelector("[hx-get]");

// A hundred chips, each with its name, are more than an address holds; a name that has a comma itself stays by itself.
form.addEventListener("formdata", ({ formData }) => {
  for (const name of new Set(formData.keys())) {
    const chips = [...form.querySelectorAll(`[type="checkbox"][name="${name}"]`)];
    const marked = formData.getAll(name);
    if (marked.length > 1 && !chips.some(({ value }) => /,|^\s|\s$/.test(value))) formData.set(name, marked.join(","));
  }
});

// Figures of what was chosen before would be taken for those of what is chosen now.
for (const lost of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  fields.addEventListener(lost, ({ detail: { xhr } }) => {
    const words = document.getElementById(xhr.status === 414 ? "too-much" : "no-preview").content.cloneNode(true);
    document.getElementById("rows-left").replaceWith(words.firstElementChild);
    document.getElementById("preview").replaceChildren(words);
    document.getElementById("typed").textContent = document.getElementById("rows-left").textContent;
  });
}

form.addEventListener("submit", (event) => {
  // Known to be refused, and by whom has no page to show.
  if (document.querySelector("#preview [data-too-much]")) {
    event.preventDefault();
    document.getElementById("preview").scrollIntoView();
  } else if (event.submitter?.formAction.endsWith("/download")) {
    // How long it takes nobody knows; later, coming back to the page looks, too.
    for (const seconds of [1, 5, 20, 60]) setTimeout(() => htmx.trigger("#receipts", "refresh"), 1000 * seconds);
  }
});

// What is refused here is not asked for again elsewhere; without a script the page that comes back says why.
const offer = () => {
  const refused = document.querySelector("#preview > template") !== null;
  for (const button of form.querySelectorAll("[formaction]")) button.disabled = refused;
};
offer();

// What is wrong with a value is told beside it, too, as where the whole page is sent.
document.addEventListener("htmx:load", ({ target }) => {
  if (target.id !== "preview") return;
  offer();
  for (const said of form.querySelectorAll(".error[id]")) {
    const field = document.getElementById(said.id.replace(/-error$/, ""));
    field.removeAttribute("aria-invalid");
    field.setAttribute("aria-describedby", field.getAttribute("aria-describedby").replace(said.id, "").trim());
    said.remove();
  }
  for (const wrong of target.querySelectorAll("template")) {
    const said = wrong.content.firstElementChild.cloneNode(true);
    const field = document.getElementById(said.id.replace(/-error$/, ""));
    if (!field) continue;
    field.closest(".field").append(said);
    if (field.matches(".input")) field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") ?? ""} ${said.id}`.trim());
  }
});
