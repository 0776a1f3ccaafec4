// A document by its passages, scrolled to one of them. With data.controls it also has buttons (and
// the keys J and K) that move from passage to passage without asking the server, and each number is
// a link to copy. Of a long document only a window of passages is here: event "window" (a number)
// asks for those around another one, "go" (a number) to open one that is not here.

const scrolled = new WeakMap(); // root element -> what it was last scrolled to, and how to undo

function reader({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const numbers = data.passages.map((passage) => passage.number);
  const words = (key, values) => say(data.strings, key, values);
  const edges = { start: numbers[0] > 1, end: numbers.at(-1) < data.total };
  let focus = data.focus;
  let level = 1; // of the last heading

  let body = host.querySelector(".body");
  if (!body) {
    body = element("div", "body");
    body.tabIndex = 0;
    body.setAttribute("role", "region");
    host.append(body);
  }
  body.setAttribute("aria-label", data.title);
  body.style.height = data.height;
  const kept = data.controls ? topmost() : null;
  body.replaceChildren(...data.passages.flatMap(passageElements));
  markFocus();

  function passageElements(passage) {
    const headings = passage.headings.map(({ text, depth }) => {
      const heading = element("h3", `depth${Math.min(depth, 3)}`, text);
      // Where a window begins below a chapter's heading, no level is left out all the same.
      level = Math.min(depth + 2, level + 1, 6);
      heading.setAttribute("aria-level", String(level));
      heading.dir = "auto";
      return heading;
    });
    const paragraph = element("p");
    paragraph.dir = "auto";
    paragraph.dataset.number = passage.number;
    paragraph.append(data.controls ? numbered(passage) : element("span", "number", passage.number));
    for (const piece of passage.pieces) appendParagraphs(paragraph, piece);
    // Code and the like; elsewhere spaces at the end of a line would be marked too.
    const text = passage.pieces.map(([piece]) => piece).join("");
    if (/\n[ \t]|\t| {2}/.test(text)) paragraph.classList.add("laid-out");
    return [...headings, paragraph];
  }

  // A blank line within a passage, as between the rows of a table, takes less room than a line.
  function appendParagraphs(parent, [text, kind]) {
    for (const part of text.split(/(\n{2,})/)) {
      if (part.startsWith("\n\n")) parent.append(element("span", "gap", part));
      else if (part) appendPieces(parent, [[part, kind]]);
    }
  }

  // A passage's id is made of its text, so that the link is right after a rebuild, too.
  function linkOf(passage) {
    const address = new URL(window.location.href);
    address.search = new URLSearchParams({ doc: data.document, at: passage.id }).toString();
    return address.href;
  }

  function numbered(passage) {
    const link = button("number", String(passage.number), async () => {
      await copyText(linkOf(passage));
      announce(parentElement, words("copied"));
      link.classList.add("done");
      setTimeout(() => link.classList.remove("done"), 1400);
    });
    link.title = words("copy");
    link.setAttribute("aria-label", words("copy_of", { n: passage.number }));
    link.tabIndex = -1;
    return link;
  }

  // The first paragraph in sight and how far it is from the top, to keep it there.
  function topmost() {
    for (const paragraph of body.querySelectorAll("p")) {
      const top = paragraph.offsetTop - body.scrollTop;
      if (top + paragraph.offsetHeight > 0) return { number: paragraph.dataset.number, top };
    }
    return null;
  }

  function markFocus() {
    for (const paragraph of body.querySelectorAll("p")) {
      const distance = Math.abs(Number(paragraph.dataset.number) - focus);
      paragraph.classList.toggle("hit", distance === 0);
      paragraph.classList.toggle("far", distance > 1);
      const link = paragraph.querySelector("button.number");
      if (link) link.tabIndex = distance === 0 ? 0 : -1;
      if (distance === 0) paragraph.setAttribute("aria-current", "true");
      else paragraph.removeAttribute("aria-current");
    }
  }

  function scroll(smoothly) {
    const hit = body.querySelector("p.hit");
    if (!hit || !body.clientHeight) return;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    const room = Math.max(16, (body.clientHeight - hit.offsetHeight) / 3);
    body.scrollTo({ top: hit.offsetTop - room, behavior: smoothly && !calm ? "smooth" : "auto" });
  }

  function move(step) {
    const next = focus + step;
    if (next < 1 || next > data.total) return;
    if (!numbers.includes(next)) {
      setTriggerValue("go", next);
      return;
    }
    focus = next;
    replaceParameter("p", focus);
    window.dispatchEvent(new CustomEvent("passages-moved", { detail: focus })); // see outline.js
    markFocus();
    scroll(true);
    showControls();
  }

  // The paragraph as it stands, where it stands, and the link to it.
  async function cite() {
    const paragraph = data.passages.find((passage) => passage.number === focus);
    const text = paragraph.pieces.map(([piece]) => piece).join("");
    await copyText(`“${text}”\n\n${paragraph.place} (${data.document})\n${linkOf(paragraph)}`);
    announce(parentElement, words("cited", { n: focus }));
    const pressed = host.querySelector(".cite");
    pressed.classList.add("done");
    setTimeout(() => pressed.classList.remove("done"), 1400);
  }

  function showControls() {
    if (!data.controls) return;
    let bar = host.querySelector(".controls");
    if (!bar) {
      bar = element("div", "controls");
      const where = element("span", "where");
      where.setAttribute("role", "status");
      bar.append(
        where,
        keyButton("previous", words("previous"), "K"),
        keyButton("next", words("next"), "J"),
        keyButton("cite", words("cite"), "C"),
      );
      host.prepend(bar);
    }
    bar.querySelector(".cite").onclick = cite;
    bar.querySelector(".where").textContent = words("where", { n: focus, total: data.total });
    const previous = bar.querySelector(".previous");
    const next = bar.querySelector(".next");
    previous.disabled = focus === 1;
    next.disabled = focus === data.total;
    previous.onclick = () => move(-1);
    next.onclick = () => move(1);
  }

  function keyButton(name, label, key) {
    const made = element("button", name, label);
    made.type = "button";
    made.setAttribute("aria-keyshortcuts", key);
    const hint = element("kbd", "", key);
    hint.setAttribute("aria-hidden", "true");
    made.append(" ", hint);
    return made;
  }

  showControls();
  const target = `${data.document} ${data.focus}`;
  const before = scrolled.get(host);
  if (before && before.target === target && kept) {
    const same = body.querySelector(`p[data-number="${kept.number}"]`);
    if (same) body.scrollTop = same.offsetTop - kept.top;
  }
  let asked = false;
  body.onscroll = () => {
    if (asked || !data.controls) return;
    const left = body.scrollHeight - body.scrollTop - body.clientHeight;
    const near = 1.5 * body.clientHeight;
    if ((edges.start && body.scrollTop < near) || (edges.end && left < near)) {
      asked = true;
      setTriggerValue("window", Number(topmost()?.number ?? focus));
    }
  };
  if (!before || before.target !== target) {
    if (before) before.stop();
    const sameDocument = Boolean(before && before.document === data.document);
    // The frame may have no height yet on the first run, and fonts arrive late: scroll again
    // whenever the box changes size, until the reader scrolls by hand.
    let byHand = false;
    const watch = new ResizeObserver(() => { if (!byHand) scroll(false); });
    for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) {
      body.addEventListener(kind, () => { byHand = true; }, { once: true, passive: true });
    }
    scrolled.set(host, { target, document: data.document, stop: () => watch.disconnect() });
    scroll(sameDocument);
    watch.observe(body);
  }

  const stopKeys = data.controls
    ? listenToKeys("reader", (event) => {
        if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === "c") cite();
        const step = { j: 1, k: -1 }[event.key.toLowerCase()];
        if (step) {
          event.preventDefault();
          move(step);
        }
      })
    : () => {};
  return () => {
    stopKeys();
    const last = scrolled.get(host);
    if (last) last.stop();
    scrolled.delete(host);
  };
}
