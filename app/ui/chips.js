// What the search is narrowed to, each with a way out. Event: "clear" (the name of one, or "all").

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  host.classList.add("narrowed");
  host.setAttribute("role", "group");
  host.setAttribute("aria-label", "The search is narrowed");
  const chips = data.chips.map(({ name, text }) => {
    const made = button("action", null, () => setTriggerValue("clear", name));
    const words = element("span", "words", text);
    words.dir = "auto";
    const cross = element("span", "cross", "✕");
    cross.setAttribute("aria-hidden", "true");
    made.append(words, cross);
    made.title = text;
    made.setAttribute("aria-label", `Remove: ${text}`);
    return made;
  });
  if (chips.length > 1) {
    chips.push(button("all", "Clear all", () => setTriggerValue("clear", "all")));
  }
  host.replaceChildren(...chips, element("span", "left", data.left));
  const words = [...data.chips.map((chip) => chip.text), data.left].join(", ");
  setTimeout(() => announce(parentElement, `The search is narrowed: ${words}`), 50);
}
