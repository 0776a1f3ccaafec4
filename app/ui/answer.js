// The answer, its citations and its sources. Events: "open" (number of a source), "read" and "page"
// (same), "pick" (a suggested question).

const LEVELS = { strong: 3, partial: 2, weak: 1 };

function meter() {
  const bars = element("span", "bars");
  bars.setAttribute("aria-hidden", "true");
  bars.append(element("i"), element("i"), element("i"));
  return bars;
}

const unfolded = new WeakMap(); // root element -> the sources whose reasons are shown
const bringIntoView = new WeakMap(); // root elements in which a source was opened just now -> how
let style = "plain"; // of citations that are copied

async function copy(text, pressed, said, parentElement) {
  await copyText(text);
  const label = pressed.dataset.label;
  pressed.textContent = said + " ✓";
  announce(parentElement, said);
  setTimeout(() => { pressed.textContent = label; }, 1400);
}

function answer({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const words = (key, values) => say(data.strings, key, values);
  const root = element("div", data.answered ? "answered" : "unanswered");
  const byNumber = new Map(data.sources.map((source) => [source.number, source]));
  const key = data.question + data.sources.map((source) => source.document).join();
  const last = unfolded.get(host);
  const explained = last && last.key === key ? last.numbers : new Set();
  unfolded.set(host, { key, numbers: explained });
  let tip = null;

  function open(number, by = "click") {
    hideTip();
    replaceParameter("s", number);
    bringIntoView.set(host, by);
    setTriggerValue("open", number);
  }

  function hideTip() {
    if (tip) tip.remove();
    tip = null;
  }

  function showTip(chip, source) {
    hideTip();
    tip = element("div", "tip");
    tip.id = "tip";
    tip.setAttribute("role", "tooltip");
    const place = element("b", "", words("tip", { title: source.title, n: source.passage }));
    place.dir = "auto";
    const text = element("span");
    text.dir = "auto";
    appendPieces(text, source.preview);
    tip.append(place, text);
    root.append(tip);
    const outer = root.getBoundingClientRect();
    const inner = chip.getBoundingClientRect();
    const left = Math.min(inner.left - outer.left - 20, outer.width - tip.offsetWidth);
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${inner.bottom - outer.top + 6}px`;
    chip.setAttribute("aria-describedby", "tip");
  }

  function chipFor({ number, text }, place) {
    const source = byNumber.get(number);
    const chip = button("chip", String(number), () => open(number));
    if (number === data.active) chip.classList.add("on");
    chip.dataset.control = `chip ${place}`;
    if (!source) return chip;
    // Two quotes of one source have chips with the same number.
    const begins = text.split(/\s+/).slice(0, 6).join(" ");
    chip.setAttribute(
      "aria-label",
      words("chip", { number, n: source.passage, title: source.title, quote: begins }),
    );
    for (const on of ["mouseenter", "focus"]) chip.addEventListener(on, () => showTip(chip, source));
    for (const off of ["mouseleave", "blur"]) chip.addEventListener(off, hideTip);
    return chip;
  }

  function answerText() {
    const text = element("p", "lead");
    text.dir = "auto";
    data.sentences.forEach((sentence, place) => {
      const lit = data.sentences.length > 1 && sentence.number === data.active;
      // The chip must not stand alone at the start of a line.
      const group = element("span", lit ? "sentence on" : "sentence");
      appendPieces(group, sentence.pieces);
      // All words open their place; with the keyboard the chip behind them does.
      group.addEventListener("click", () => {
        if (!window.getSelection().toString()) open(sentence.number);
      });
      text.append(group, "\u00a0", chipFor(sentence, place), " ");
    });
    return text;
  }

  function facts() {
    const line = element("div", "facts");
    const match = element("span", `match level${LEVELS[data.match] ?? 0}`);
    match.append(meter(), words(data.match));
    match.title = words("match_help");
    line.append(
      match,
      element("span", "", words("quoted", { n: new Set(data.sentences.map((s) => s.number)).size })),
      element("span", "", data.took),
    );
    return line;
  }

  function actions() {
    const row = element("div", "actions");
    const add = (label, text, said) => {
      const made = button("action", label, () => copy(text(), made, said, parentElement));
      made.dataset.label = label;
      made.dataset.control = label;
      row.append(made);
    };
    const styles = element("select", "style");
    styles.setAttribute("aria-label", words("style"));
    for (const name of ["plain", "markdown", "bibtex"]) {
      const choice = element("option", "", words(name));
      choice.value = name;
      choice.selected = name === style;
      styles.append(choice);
    }
    styles.addEventListener("change", () => { style = styles.value; });
    add(words("copy"), () => data.copies[style], words("copied"));
    row.append(styles);
    add(words("copy_link"), () => window.location.href, words("link_copied"));
    return row;
  }

  function card(source) {
    const active = source.number === data.active;
    const wrap = element("div", active ? "card on" : "card");
    const face = button("face", null, () => open(source.number));
    face.dataset.control = `card ${source.number}`;
    if (active) face.setAttribute("aria-current", "true");
    face.append(element("span", "number", String(source.number)));

    face.dir = "auto"; // the side that the title begins on
    const heading = element("span", "place");
    heading.append(element("b", "", source.title));
    for (const above of source.headings) heading.append(" › ", element("bdi", "", above));
    const key = source.page === null ? "where" : "where_page";
    const place = { page: source.page, n: source.passage, total: source.total };
    heading.append(" · ", element("bdi", "whole", words(key, place)));
    const text = element("span", "text");
    text.dir = "auto";
    appendPieces(text, source.short);
    face.append(heading, text);
    if (source.by_ocr) face.append(element("span", "also", source.by_ocr));
    if (source.also.length) face.append(also(source));
    wrap.append(face);
    if (active) wrap.append(inContext(source));
    wrap.append(reasons(source));
    return wrap;
  }

  // Why it was found, on demand.
  function reasons(source) {
    const details = element("details", "reasons");
    const summary = element("summary", "", words("why"));
    summary.dataset.control = `why ${source.number}`;
    const list = element("ul");
    for (const reason of source.why) {
      const item = element("li", "", reason);
      item.dir = "auto";
      list.append(item);
    }
    details.append(summary, list);
    details.open = explained.has(source.number);
    details.addEventListener("toggle", () => {
      if (details.open) explained.add(source.number);
      else explained.delete(source.number);
    });
    return details;
  }

  // The same words in other places.
  function also(source) {
    const places = source.also.join("; ");
    const said = words(source.more ? "also_more" : "also", { places, n: source.more });
    const line = element("span", "also", said);
    line.dir = "auto";
    return line;
  }

  // Shown on narrow screens only, where the reader does not fit beside the answer.
  function inContext(source) {
    const context = element("div", "context");
    const paragraph = (className, pieces) => {
      const made = element("p", className);
      made.dir = "auto";
      appendPieces(made, pieces);
      context.append(made);
    };
    if (source.before) paragraph("far", [[source.before, ""]]);
    paragraph("", source.pieces);
    if (source.after) paragraph("far", [[source.after, ""]]);
    const full = button("full", words("open"), () => setTriggerValue("read", source.number));
    full.dataset.control = "full";
    context.append(full);
    if (source.drawn) {
      const page = button("full", words("page"), () => setTriggerValue("page", source.number));
      page.dataset.control = "page";
      context.append(page);
    }
    return context;
  }

  function warning() {
    const note = element("p", "note partly");
    const missing = data.uncovered.length
      ? words("uncovered", { words: data.uncovered.join(", ") })
      : words("check");
    const said = element("span", "", missing);
    said.dir = "auto";
    note.append(element("b", "", words("partly")), " ", said);
    return note;
  }

  function refusal() {
    const note = element("p", "note");
    const advice = words(data.suggestions.length ? "try_questions" : "try_words");
    note.append(element("b", "", words("unanswered")), " ", advice);
    if (!data.suggestions.length) return [note];
    const group = element("div", "actions");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", words("suggested"));
    group.append(...questionButtons(data.suggestions, (picked) => setTriggerValue("pick", picked)));
    return [note, group];
  }

  const question = element("h2", "question", data.question);
  question.dir = "auto";
  root.append(question);
  if (data.answered) {
    if (data.match === "weak" || data.uncovered.length) root.append(warning());
    root.append(answerText(), facts(), actions());
  } else {
    root.append(...refusal());
  }
  if (data.sources.length) {
    const title = element("h3", "", words(data.answered ? "sources" : "nearest"));
    title.id = "sources";
    const list = element("div", "cards");
    list.setAttribute("role", "list");
    list.setAttribute("aria-labelledby", "sources");
    for (const source of data.sources) {
      const item = element("div");
      item.setAttribute("role", "listitem");
      item.append(card(source));
      list.append(item);
    }
    root.append(title, list);
  }

  // On a narrow screen the passage opens in its card, which may lie far below; and who steps through
  // the sources with keys sees where they are.
  const by = bringIntoView.get(host);
  bringIntoView.delete(host);
  const block = window.matchMedia("(max-width: 640px)").matches ? "start" : "nearest";
  if (by === "key" || (by && block === "start")) {
    setTimeout(() => host.querySelector(".card.on")?.scrollIntoView({ block }));
  }

  // Keep the focus where it was: the whole tree is replaced on each change.
  const focused = host.getRootNode().activeElement?.dataset?.control;
  host.replaceChildren(root);
  if (focused) {
    const same = [...host.querySelectorAll("[data-control]")].find((b) => b.dataset.control === focused);
    if (same) same.focus({ preventScroll: true });
    hideTip();
  }
  const outcome = data.answered
    ? `${words(data.match)}: ${data.sentences.map((s) => s.text).join(" ")}`
    : words("unanswered_question", { question: data.question });
  // After the region is in the page, so that it is a change and read out.
  setTimeout(() => announce(parentElement, outcome), 50);

  return listenToKeys("answer", (event) => {
    if (event.key === "Escape") hideTip();
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { j: 1, k: -1 }[event.key];
    const number = step ? data.active + step : Number(event.key);
    if (event.key !== " " && byNumber.has(number)) {
      event.preventDefault();
      open(number, "key");
    }
  });
}
