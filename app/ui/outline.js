// The headings of a document as a tree, in a box that is closed at first where there is little room.
// Event: "go" (the number of a passage). It follows the reader's keys: see reader.js.

const boxes = new WeakMap(); // root element -> whether the box is open

function outline({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const box = element("details", "contents");
  box.open = boxes.get(host) ?? window.matchMedia("(min-width: 641px)").matches;
  box.addEventListener("toggle", () => boxes.set(host, box.open));
  const list = element("nav", "outline");
  list.setAttribute("aria-label", say(data.strings, "label"));
  list.style.maxHeight = data.height;
  const entries = data.entries.map(({ text, depth, number, folded }) => {
    const entry = button(`depth${Math.min(depth, 3)}`, text, () => setTriggerValue("go", number));
    entry.dir = "auto";
    entry.dataset.number = number;
    entry.classList.toggle("folded", folded);
    list.append(entry);
    return entry;
  });
  box.append(element("summary", "", say(data.strings, "label")), list);
  host.replaceChildren(box);
  show(data.here);

  // The last heading that stands at or above a passage.
  function show(here) {
    const above = entries.filter((entry) => Number(entry.dataset.number) <= here);
    for (const entry of entries) entry.removeAttribute("aria-current");
    const current = above.at(-1);
    if (!current) return;
    current.setAttribute("aria-current", "location");
    list.scrollTop = current.offsetTop - list.clientHeight / 3;
  }

  const follow = (event) => show(event.detail);
  window.addEventListener("passages-moved", follow);
  return () => window.removeEventListener("passages-moved", follow);
}
