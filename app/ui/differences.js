// Saved questions that are answered differently. Event: "ask" (the address to ask one at).

function differences({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const words = (key) => say(data.strings, key);

  function side(one) {
    const box = element("div", "answer");
    box.append(element("h4", "", one.name));
    for (const quote of one.quotes) {
      const text = element("p", "quote", quote.text);
      text.dir = "auto";
      const title = element("span", "from", quote.title);
      title.dir = "auto";
      box.append(text, title);
    }
    if (!one.quotes.length) box.append(element("p", "none", words("none")));
    box.append(linkTo("go", one.ask, one.href, () => setTriggerValue("ask", one.address)));
    return box;
  }

  const list = element("div", "cards");
  list.setAttribute("role", "list");
  list.setAttribute("aria-label", words("list"));
  for (const difference of data.differences) {
    const card = element("div", "card");
    card.setAttribute("role", "listitem");
    const head = element("div", "head");
    const question = element("h3", "", difference.question);
    question.dir = "auto";
    head.append(question, element("span", `state ${difference.kind}`, difference.label));
    card.append(head);
    if (difference.narrowed) card.append(element("span", "from", difference.narrowed));
    const sides = element("div", "sides");
    sides.append(...difference.sides.map(side));
    card.append(sides);
    list.append(card);
  }
  host.replaceChildren(list);
}
