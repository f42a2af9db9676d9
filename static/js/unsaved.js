// What is typed in a form with data-unsaved is not left behind without a question. A page that comes with what was sent,
// refused or only looked at, says so itself.
const TYPED = "typed";

document.addEventListener("input", ({ target }) => {
  if (target.form?.matches("[data-unsaved]")) target.form.dataset.unsaved = TYPED;
});
document.addEventListener("submit", ({ target }) => {
  if (target.matches("[data-unsaved]")) target.dataset.unsaved = "";
});
addEventListener("beforeunload", (event) => {
  if (document.querySelector(`[data-unsaved=${TYPED}]`)) event.preventDefault();
});
