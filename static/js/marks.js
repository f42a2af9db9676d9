// Marking the faulty place in a response: choose words there, say what is wrong with them. A place is counted in
// visible characters (see app/text/places.py) and kept in the field `spans`; what is marked is only ever painted
// over the text as ranges, so that what a model wrote is never parsed again.
const SPACE = /[\t-\r \u00a0\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
// What the page itself says within a response: who speaks, how a folded turn begins, and its buttons.
const OF_THE_PAGE = "button, .role, summary";
const painted = globalThis.Highlight ? CSS.highlights : null;
let chosen = null; // the place in hand: {response, start, end, quote}

const field = () => document.querySelector("[data-pair] [name=spans]");
const part = (name) => document.querySelector(name);
const body = (side) => document.getElementById(`text-${side}`);
const marks = () => JSON.parse(field()?.value || "[]");

// Every visible character of a response, where it stands.
function* characters(side) {
  const walker = document.createTreeWalker(body(side), NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT,
    (node) => node.nodeType === Node.TEXT_NODE ? NodeFilter.FILTER_ACCEPT : node.matches(OF_THE_PAGE) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_SKIP);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    for (let at = 0; at < node.data.length;) {
      const sign = String.fromCodePoint(node.data.codePointAt(at));
      if (!SPACE.test(sign)) yield { node, at, sign };
      at += sign.length;
    }
  }
}

function rangeOf({ response, start, end }) {
  const signs = [...characters(response)].slice(start, end);
  if (!signs.length) return null;
  const range = document.createRange();
  const last = signs.at(-1);
  range.setStart(signs[0].node, signs[0].at);
  range.setEnd(last.node, last.at + last.sign.length);
  return range;
}

// A range's text, as far as it is the response's.
function wordsOf(range) {
  const words = range.cloneContents();
  for (const part of words.querySelectorAll(OF_THE_PAGE)) part.remove();
  return words.textContent;
}

// The selection as a place, where it lies in one response.
function selected() {
  const selection = getSelection();
  if (!field() || selection.isCollapsed || !selection.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const response = ["a", "b"].find((side) => body(side)?.contains(range.commonAncestorContainer));
  if (!response) return null;
  let start = null, end = 0, n = 0;
  for (const { node, at, sign } of characters(response)) {
    n += 1;
    if (range.comparePoint(node, at) < 0) continue;
    if (range.comparePoint(node, at + sign.length) > 0) break;
    start ??= n - 1;
    end = n;
  }
  return start === null ? null : { response, start, end, quote: wordsOf(range) };
}

function found(response, words) {
  const wanted = [...words].filter((sign) => !SPACE.test(sign)).join("").toLowerCase();
  const text = [...characters(response)].map(({ sign }) => sign);
  const place = wanted ? text.join("").toLowerCase().indexOf(wanted) : -1;
  if (place < 0) return null;
  const start = [...text.join("").slice(0, place)].length;
  const made = { response, start, end: start + [...wanted].length };
  return { ...made, quote: wordsOf(rangeOf(made)) };
}

function save(list) {
  field().value = list.length ? JSON.stringify(list) : "";
  field().dispatchEvent(new Event("input", { bubbles: true }));
  draw();
}

function row(mark, index, range) {
  const made = part("#mark-row").content.firstElementChild.cloneNode(true);
  const words = (range ? wordsOf(range) : mark.quote ?? "").trim().replace(/\s+/g, " ");
  made.querySelector("[data-show-mark]").textContent = `“${words.length > 90 ? `${words.slice(0, 89)}…` : words}”`;
  made.querySelector("[data-mark-note]").textContent = mark.note ?? "";
  const tag = mark.tag && part(`#marker [name=tag][value="${CSS.escape(mark.tag)}"]`)?.nextElementSibling.firstChild.textContent;
  made.querySelector("[data-mark-tag]").textContent = tag ?? mark.tag ?? "";
  for (const button of made.querySelectorAll("button")) button.dataset.index = index;
  return made;
}

// Paints the marks and lists them below the responses.
function draw() {
  painted?.delete("marked");
  if (!field()) return;
  const ranges = [];
  const lists = { a: [], b: [] };
  marks().forEach((mark, index) => {
    const range = rangeOf(mark);
    if (range) ranges.push(range);
    lists[mark.response].push(row(mark, index, range));
  });
  if (ranges.length) painted?.set("marked", new Highlight(...ranges));
  for (const [side, rows] of Object.entries(lists)) {
    const list = part(`[data-marked=${side}]`);
    list.replaceChildren(...rows);
    list.hidden = !rows.length;
  }
}

function open(place, side) {
  chosen = place;
  const marker = part("#marker");
  part("#marking").reset();
  part("#marker-missing").textContent = "";
  marker.dataset.side = place?.response ?? side;
  part("[data-marker-side]").className = `side side-${marker.dataset.side}`;
  part("[data-marker-side]").textContent = marker.dataset.side.toUpperCase();
  part("[data-marker-quote]").textContent = place?.quote ?? "";
  part("[data-marker-quote]").hidden = !place;
  part("[data-marker-find]").hidden = Boolean(place);
  marker.showPopover();
  const words = place && rangeOf(place);
  beside(marker, words);
  uncover(marker, words ?? body(marker.dataset.side));
  marker.querySelector(place ? "[name=tag], [name=note]" : "#marker-words").focus();
  offer(null);
}

// Also where it stands in a turn that is folded.
function show(range) {
  const where = range?.startContainer.parentElement;
  where?.closest("details")?.setAttribute("open", "");
  where?.scrollIntoView({ block: "center" });
}

// Near the words, and within the screen. Where there are none yet, or no room at them, it stands at the foot; without
// words below the other response, so that those of this one can be read. On a phone the stylesheet says where.
function beside(element, range) {
  const words = (range ?? body(part("#marker").dataset.side === "a" ? "b" : "a")).getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const foot = innerHeight - height - 8;
  const near = [words.bottom + 8, words.top - height - 8].find((top) => range && top >= 8 && top <= foot);
  element.style.left = `${Math.max(8, Math.min(words.left, innerWidth - width - 8))}px`;
  element.style.top = `${Math.max(8, near ?? foot)}px`;
}

// Where it takes the width of the screen, as on a phone, what it is about is moved out from under it; below the page
// there is room for that as long as it is open.
function uncover(marker, words) {
  const over = marker.getBoundingClientRect();
  if (over.width < document.documentElement.clientWidth) return;
  document.body.style.paddingBlockEnd = `${over.height}px`;
  (words.startContainer?.parentElement ?? words).scrollIntoView({ block: "nearest" });
  const { top, bottom } = words.getBoundingClientRect();
  scrollBy(0, Math.min(top - 8, Math.max(bottom - over.top + 8, 0)));
}

function offer(place) {
  const button = part(".mark-here");
  if (!button) return;
  button.hidden = !place;
  if (place) beside(button, rangeOf(place));
}

// A finger that reaches for the button takes the selection away first: it stays offered for a moment.
let waiting = 0;
document.addEventListener("selectionchange", () => {
  clearTimeout(waiting);
  if (part("#marker")?.matches(":popover-open")) return;
  const place = selected();
  waiting = setTimeout(() => { chosen = place; offer(place); }, place ? 150 : 400);
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  if (!button || !field()) return;
  const { mark, index, showMark, removeMark } = button.dataset;
  if (button.matches(".mark-here")) open(chosen);
  else if (mark) open(selected() ?? (chosen?.response === mark ? chosen : null), mark);
  else if (showMark !== undefined) show(rangeOf(marks()[index]));
  else if (removeMark !== undefined) {
    const list = button.closest("[data-marked]");
    save(marks().filter((_, n) => n !== Number(index)));
    (list.querySelector("button") ?? part(`[data-mark=${list.dataset.marked}]`)).focus();
  }
});

part("#marking").addEventListener("submit", (event) => {
  event.preventDefault();
  const marker = part("#marker");
  const words = part("#marker-words");
  const place = chosen ?? found(marker.dataset.side, words.value);
  part("#marker-missing").textContent = place ? "" : words.dataset.missing;
  if (!place) return words.focus();
  const said = new FormData(event.target);
  save([...marks(), { ...place, tag: said.get("tag") || null, note: said.get("note").trim() || null }]);
  marker.hidePopover();
  getSelection().removeAllRanges();
  part(`[data-mark=${place.response}]`).focus();
});

document.addEventListener("toggle", ({ target, newState }) => {
  if (target.id === "marker" && newState === "closed") document.body.style.paddingBlockEnd = "";
}, { capture: true });

for (const swapped of ["htmx:afterSwap", "htmx:oobAfterSwap"]) document.addEventListener(swapped, draw);
draw();
