// The files of the corpus and what became of each. Events: "read" (the id of a document), "remove"
// (the path of a file), "more".

function files({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const list = element("div", "files");
  list.setAttribute("role", "list");
  list.setAttribute("aria-label", say(data.strings, "label"));
  for (const file of data.files) {
    const item = element("div", "file");
    item.setAttribute("role", "listitem");
    item.append(named(file), howMuch(file));
    const line = element("span", "facts", file.facts);
    if (data.may_change && file.there) {
      const remove = button("remove", say(data.strings, "remove"), () => {
        setTriggerValue("remove", file.path);
      });
      remove.setAttribute("aria-label", say(data.strings, "remove_file", { name: file.path }));
      line.append(" ", remove);
    }
    item.append(line);
    if (file.why) {
      const reason = element("span", "why", file.why);
      reason.dir = "auto";
      item.append(reason);
    }
    list.append(item);
  }
  const parts = data.files.length ? [list] : [element("p", "none", say(data.strings, "none"))];
  if (data.more) {
    parts.push(button("action more", say(data.strings, "more", { n: data.more.toLocaleString("en") }), () =>
      setTriggerValue("more", true),
    ));
  }
  host.replaceChildren(...parts);

  function named(file) {
    const name = element("span", "named");
    const title = file.document
      ? button("title", file.title, () => setTriggerValue("read", file.document))
      : element("span", "title", file.title);
    title.dir = "auto";
    name.append(title);
    if (file.path !== file.title) {
      const path = element("span", "path", file.path);
      path.dir = "auto";
      name.append(path);
    }
    return name;
  }

  function howMuch(file) {
    const side = element("span", "side");
    side.append(element("span", `state ${file.state}`, file.label));
    if (file.document) {
      const bar = element("span", "bar");
      bar.setAttribute("aria-hidden", "true");
      const full = element("i");
      full.style.width = `${100 * file.share}%`;
      bar.append(full);
      const share = element("span", "share", file.covered);
      share.title = say(data.strings, "share");
      side.append(bar, share);
    }
    return side;
  }
}
