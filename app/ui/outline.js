// The headings of a document. Event: "go" (the number of a passage).

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const list = element("nav", "outline");
  list.setAttribute("aria-label", say(data.strings, "label"));
  for (const { text, depth, number } of data.entries) {
    const entry = button(`depth${Math.min(depth, 3)}`, text, () => setTriggerValue("go", number));
    entry.dir = "auto";
    if (number === data.here) entry.setAttribute("aria-current", "location");
    list.append(entry);
  }
  host.replaceChildren(list);
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}
