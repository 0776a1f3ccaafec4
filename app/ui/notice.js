// A message in plain characters: what happened, in which words, and the command that helps.

function notice({ data, parentElement }) {
  const host = parentElement.querySelector(".root");
  const box = element("div", `notice ${data.kind}`);
  if (data.title) box.append(element("b", "", data.title));
  if (data.text) {
    const text = element("p", "", data.text);
    text.dir = "auto";
    box.append(text);
  }
  if (data.command) box.append(element("code", "", data.command));
  host.replaceChildren(box);
  const words = [data.title, data.text, data.command].filter(Boolean).join(" ");
  setTimeout(() => announce(parentElement, words), 50);
}
