// The snapshots that are kept. Events: "back" (the id of one to go back to), "compare" (the id of one
// whose changes are to be shown).

function history({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const words = (key, values) => say(data.strings, key, values);
  const list = element("div", "files");
  list.setAttribute("role", "list");
  list.setAttribute("aria-label", words("title"));
  for (const snapshot of data.snapshots) {
    const item = element("div", "snapshot");
    item.setAttribute("role", "listitem");
    const name = element("span", "named");
    name.append(element("span", "title", snapshot.when));
    const side = element("span", "side");
    if (snapshot.current) side.append(element("span", "state indexed", words("current")));
    const facts = element("span", "facts", `${snapshot.facts} · ${snapshot.id}`);
    if (snapshot.before) {
      const label = snapshot.difference ? "hide" : "compare";
      const compare = button("remove", words(label), () => setTriggerValue("compare", snapshot.id));
      compare.setAttribute("aria-expanded", String(Boolean(snapshot.difference)));
      compare.setAttribute("aria-label", words("compare_of", { when: snapshot.when }));
      facts.append(" ", compare);
    }
    if (data.may_change && !snapshot.current) {
      const back = button("remove", words("back"), () => setTriggerValue("back", snapshot.id));
      back.setAttribute("aria-label", words("back_to", { when: snapshot.when }));
      facts.append(" ", back);
    }
    item.append(name, side, facts);
    for (const line of snapshot.difference ?? []) {
      const change = element("span", "why", line);
      change.dir = "auto";
      item.append(change);
    }
    list.append(item);
  }
  host.replaceChildren(list);
}
