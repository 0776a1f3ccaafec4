// Judgements by week, and one by one. Events: "ask" (the address to ask it again at), "delete" (the
// number of one), "more".

function judged({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const words = (key, values) => say(data.strings, key, values);

  function weeks() {
    const chart = element("div", "weeks");
    chart.setAttribute("role", "list");
    chart.setAttribute("aria-label", words("weeks"));
    for (const week of data.weeks) {
      const column = element("div", "week");
      column.setAttribute("role", "listitem");
      column.title = week.label;
      const said = element("span", "hidden", week.label);
      const bars = ["down", "up"].map((verdict) => {
        const bar = element("i", verdict);
        bar.style.height = `${100 * week[verdict]}%`;
        return bar;
      });
      column.append(said, ...bars);
      chart.append(column);
    }
    const key = element("div", "key");
    key.setAttribute("aria-hidden", "true");
    key.append(element("span", "state up", words("up")), element("span", "state down", words("down")));
    const ends = [...new Set([data.weeks[0], data.weeks[data.weeks.length - 1]])];
    key.append(element("span", "when", ends.map((week) => week.week).join(" – ")));
    return [chart, key];
  }

  function row(one) {
    const item = element("div", "judgement");
    item.setAttribute("role", "listitem");
    const question = linkTo("asked", one.question, one.href, () => setTriggerValue("ask", one.address));
    question.dir = "auto";
    const side = element("span", "side");
    const when = element("span", "from", one.when);
    when.title = one.exactly;
    side.append(element("span", `state ${one.verdict}`, words(one.verdict)), when);
    if (data.may_change) {
      const drop = button("action", words("delete"), () => setTriggerValue("delete", one.id));
      drop.setAttribute("aria-label", words("delete_label", { question: one.question }));
      side.append(drop);
    }
    item.append(question, side);
    const facts = [one.narrowed, one.documents.join(", ") || words("unanswered"), ...one.reasons];
    const line = element("span", "from facts", facts.filter(Boolean).join(" · "));
    line.dir = "auto";
    item.append(line);
    if (one.note) {
      const note = element("p", "said", one.note);
      note.dir = "auto";
      item.append(note);
    }
    return item;
  }

  const list = element("div", "judgements");
  list.setAttribute("role", "list");
  list.setAttribute("aria-label", words("list"));
  list.append(...data.judgements.map(row));
  const parts = data.judgements.length ? [...weeks(), list] : [];
  if (data.more) {
    const more = words("more", { n: data.more.toLocaleString("en") });
    parts.push(button("action more", more, () => setTriggerValue("more", true)));
  }
  const inside = host.getRootNode().activeElement;
  host.replaceChildren(...parts);
  // What had the focus may be gone: the list takes it, so that the keyboard goes on from there.
  if (inside) (host.querySelector(".judgement .action, .judgement .asked") ?? host).focus();
  if (data.said) setTimeout(() => announce(parentElement, data.said), 50);
}
