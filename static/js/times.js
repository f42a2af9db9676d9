// Times in the reader's zone; the UTC that the server wrote stays as the tooltip.
// The page's language, with the digits the server writes; of several Englishes, the reader's own.
const page = document.documentElement.lang;
const language = navigator.language.startsWith(`${page}-`) ? navigator.language : page;
const absolute = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", numberingSystem: "latn" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", numberingSystem: "latn" });
const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function ago(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const [unit, size] = units.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

function localise(part) {
  for (const time of part.querySelectorAll("time[datetime]:not([title])")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.title = time.textContent;
    time.textContent = "relative" in time.dataset ? ago(moment) : absolute.format(moment);
  }
}

localise(document);
document.addEventListener("htmx:load", (event) => localise(event.target.parentNode));
