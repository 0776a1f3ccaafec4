// Conditions of a search, each with a way out. Event: "clear" (the name of one, or "all").

function chips({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const words = (key, values) => say(data.strings, key, values);
  host.classList.add("narrowed");
  host.setAttribute("role", "group");
  host.setAttribute("aria-label", data.label);
  const chips = data.chips.map(({ name, text }) => {
    const made = button("action", null, () => setTriggerValue("clear", name));
    const shown = element("span", "words", text);
    shown.dir = "auto";
    const cross = element("span", "cross", "✕");
    cross.setAttribute("aria-hidden", "true");
    made.append(shown, cross);
    made.title = text;
    made.setAttribute("aria-label", words("remove", { text }));
    return made;
  });
  if (chips.length > 1) {
    chips.push(button("all", words("clear"), () => setTriggerValue("clear", "all")));
  }
  const aside = (text) => (text ? [element("span", "left", text)] : []);
  host.replaceChildren(...aside(data.before), ...chips, ...aside(data.after));
  const said = [data.label, ...data.chips.map((chip) => chip.text), data.after].filter(Boolean);
  setTimeout(() => announce(parentElement, said.join(", ")), 50);
}
