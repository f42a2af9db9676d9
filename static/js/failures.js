// What the server says about a failure is swapped into #messages as it is; where it says nothing of ours
// (no network, a proxy's page) the page's own words stand in, but for what tells it in its own place.
const messages = document.getElementById("messages");
const noAnswer = document.getElementById("no-answer");

document.addEventListener("htmx:beforeSwap", (event) => {
  const { isError, serverResponse, requestConfig } = event.detail;
  if (!isError || serverResponse.includes("data-message")) return;
  event.detail.serverResponse = noAnswer.innerHTML;
  event.detail.shouldSwap = !requestConfig.elt.matches("[data-quiet]");
});

for (const lost of ["htmx:sendError", "htmx:timeout"]) {
  // Of a verdict outbox.js tells.
  document.addEventListener(lost, (event) => event.detail.elt.matches("[data-verdict], [data-quiet]") || messages.replaceChildren(noAnswer.content.cloneNode(true)));
}

// A message about a failure goes when something works again.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) messages.querySelector(".error")?.remove();
});
