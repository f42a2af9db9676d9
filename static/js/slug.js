// A short name follows the name it is made of, until somebody writes it themselves.
const slug = document.querySelector("[data-slug-of]");
const name = document.getElementById(slug.dataset.slugOf);
const made = (text) => text.normalize("NFKD").replace(/[^\x00-\x7f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-")
  .replace(/^-|-$/g, "").slice(0, 64).replace(/-$/, "");

let follows = slug.value === "" || slug.value === made(name.value);
slug.addEventListener("input", () => { follows = slug.value === ""; });
name.addEventListener("input", () => { if (follows) slug.value = made(name.value); });
