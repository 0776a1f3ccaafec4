// The Ask screen: the question's box, what the search is narrowed to, the answer with its sources, and
// the open one in its document. The address says what is asked. The server is asked here, without
// Streamlit, so that an answer need not wait for a whole page to be made anew.

const FIELDS = ["folder", "format", "document", "author", "since", "until"];
const HEIGHT = "min(560px, calc(100vh - 240px))"; // of the reader
const SKELETON = 200; // milliseconds of work after which there is one; waiting.css says when the bar follows

const opened = new WeakMap(); // root element -> the screen in it

function ask({ data, parentElement }) {
  const host = parentElement.querySelector(".root");
  if (!opened.has(host)) opened.set(host, openScreen(host, data));
  const screen = opened.get(host);
  screen.follow(data);
  return () => {
    screen.close();
    opened.delete(host);
  };
}

function inAddress() {
  const given = new URLSearchParams(window.location.search);
  const value = (name) => (given.get(name) ?? "").trim();
  const only = {};
  for (const name of FIELDS) if (value(name)) only[name] = value(name);
  const question = value("q");
  return { question, about: question ? value("about") : "", only, snapshot: value("snapshot") };
}

const sameAs = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function openScreen(host, first) {
  const path = window.location.pathname;
  let data = first;
  let asked = null; // what is on the screen, or on its way to it
  let reply = null; // what the server says of it
  let active = 0; // the source that is open
  let drawing = null; // the last time that the open source was drawn
  let lends = ""; // the question before, as long as it is not known which of its words are needed
  let calling = new AbortController();
  let narrowing = { can_narrow: false, narrowed: null }; // as the server told it last
  let stopAnswer = () => {};
  let stopPage = () => {};
  let stopReader = () => {};
  const readers = new Map(); // number of a source -> it in its document
  const missed = new Map(); // number of a source -> why it could not be had
  const words = (key, values) => say(data.strings.ask, key, values);

  // A part of the screen that a component's function draws.
  function part(name) {
    const made = element("div", name);
    const region = element("div", "announce");
    region.setAttribute("role", "status");
    region.setAttribute("aria-live", "polite");
    made.append(element("div", "root"), region);
    return made;
  }

  function draw(drawn, into, values, event = () => {}) {
    const strings = data.strings[drawn.name];
    return drawn({ data: { ...values, strings }, parentElement: into, setTriggerValue: event });
  }

  // A new one each time: it is read out because it comes.
  function message(values) {
    const made = part("parts");
    draw(notice, made, { kind: "info", title: "", text: "", command: "", ...values });
    return made;
  }

  async function call(name, body, signal) {
    const sent = await fetch(`/page/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Passages-Key": data.key },
      body: JSON.stringify(body),
      signal,
    });
    const found = await sent.json();
    if (sent.ok) return found;
    const problem = found.problem ?? { title: found.detail, kind: "error" };
    return { problem, gone: sent.status === 404 };
  }

  // What the server says, or why it says nothing.
  async function tried(name, body, signal) {
    try {
      return await call(name, body, signal);
    } catch (error) {
      if (signal?.aborted) throw error;
      return { problem: { title: words("unreachable"), text: words("unreachable_more"), kind: "error" } };
    }
  }

  // --- the frame -----------------------------------------------------------------------------------

  const promise = element("header", "promise");
  promise.append(element("h1", "", words("title")), element("p", "", words("promise")));

  const form = element("form", "asking");
  form.setAttribute("role", "search");
  const input = element("input");
  input.type = "search";
  input.name = "q";
  input.dir = "auto";
  input.autocomplete = "off";
  input.placeholder = words("hint");
  input.setAttribute("aria-label", words("question"));
  const press = element("button", "press", words("ask"));
  press.type = "submit";
  form.append(input, press);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    typed();
  });

  const told = element("div", "told");
  const narrowRow = element("div", "narrowing");
  const carried = part("parts carried");
  const body = element("div", "below");
  host.classList.add("screen");
  host.replaceChildren(promise, form, told, narrowRow, carried, body);

  const stopKeys = keys({ data: { box: () => input, autofocus: !inAddress().question } });
  const narrow = narrowFields(
    (key, values) => say(data.strings.narrow, key, values),
    () => tried("choices", {}),
    (values) => {
      const only = { ...asked.only, ...values };
      for (const name of FIELDS) if (!only[name]) delete only[name];
      put({ ...asked, only, snapshot: "" });
    },
  );

  // --- asking --------------------------------------------------------------------------------------

  function typed() {
    narrow.close();
    const question = input.value.trim();
    if (!question) {
      told.replaceChildren(message({ title: words("empty") })); // what is on the page stays there
      return;
    }
    const again = question === asked.question;
    const before = again ? lends : [asked.question, asked.about].filter(Boolean).join(" ");
    put({ ...asked, question, about: again ? asked.about : "", snapshot: "" }, before);
  }

  // Asks, as a step of its own in the browser's history.
  function put(next, before = "") {
    const step = sameAs(next, asked) ? "replaceState" : "pushState";
    window.history[step]({ before }, "", path + addressOf(next));
    show(next, before);
  }

  function addressOf(next, source = "") {
    const given = new URLSearchParams();
    const view = new URLSearchParams(window.location.search).get("view");
    const { question, about, only, snapshot } = next;
    const values = { q: question, about, ...only, s: source, view, snapshot };
    for (const [name, value] of Object.entries(values)) if (value) given.set(name, value);
    const search = given.toString();
    return search && `?${search}`;
  }

  async function show(next, before = "") {
    calling.abort();
    const mine = (calling = new AbortController());
    stopAnswer();
    asked = next;
    reply = null;
    lends = before;
    input.value = next.question;
    told.replaceChildren();
    host.classList.toggle("asked", Boolean(next.question));
    promise.hidden = Boolean(next.question);
    const source = new URLSearchParams(window.location.search).get("s") ?? "";
    const late = setTimeout(() => {
      columns.hidden = true; // it is of another question
      above.replaceChildren(skeleton(words(next.question ? "searching" : "opening")));
    }, SKELETON);
    let found;
    try {
      const { question, about, only, snapshot } = next;
      const wanted = /^\d{1,3}$/.test(source) ? Number(source) : 0;
      found = question
        ? await tried("ask", { question, about, before, only, snapshot, source: wanted }, mine.signal)
        : await tried("start", { only }, mine.signal);
    } catch {
      return; // another question was asked meanwhile
    } finally {
      clearTimeout(late);
    }
    if (mine.signal.aborted || window.location.pathname !== path) return;
    reply = found;
    if (found.asked) lends = "";
    if (found.asked) asked = { ...next, about: found.asked.about, only: found.asked.only };
    if (found.asked && addressOf(asked, source) !== window.location.search) {
      window.history.replaceState({}, "", path + addressOf(asked, source));
    }
    readers.clear();
    missed.clear();
    active = found.answer?.active ?? 0;
    if (found.reader) readers.set(active, found.reader);
    drawAll();
  }

  function skeleton(said) {
    const made = element("div", "waiting");
    made.setAttribute("role", "status");
    const late = element("div", "late");
    const bar = element("div", "bar");
    bar.setAttribute("role", "progressbar");
    bar.setAttribute("aria-label", said);
    late.append(element("span", "", said), bar);
    made.append(element("i"), element("i"), element("i"), late);
    return made;
  }

  // --- drawing -------------------------------------------------------------------------------------

  function drawAll() {
    drawNarrowing();
    drawCarried();
    stopAnswer();
    stopPage();
    stopReader(); // an answer begins at its own place in the document
    columns.hidden = !reply.answer;
    if (reply.problem) above.replaceChildren(...problem(reply.problem));
    else if (asked.question) drawAnswered();
    else drawStart();
  }

  function problem({ build, ...values }) {
    const shown = [message(values)];
    if (build) shown.push(way("library", {}, words("build")));
    return shown;
  }

  // A link to another screen of ours.
  function way(screen, parameters, text) {
    const href = addressOn(screen, parameters);
    return linkTo("way", text, href, () => leave(href));
  }

  function addressOn(screen, parameters) {
    const search = new URLSearchParams(parameters).toString();
    return `/${screen}${search && `?${search}`}`;
  }

  // Streamlit opens a screen that stands in the address when somebody steps through the history.
  function leave(href) {
    window.history.pushState({}, "", href);
    window.dispatchEvent(new PopStateEvent("popstate", { state: {} }));
  }

  function drawNarrowing() {
    if (!reply.problem) narrowing = reply;
    else if (!sameAs(narrowing.only ?? asked.only, asked.only)) narrowing = { ...narrowing, narrowed: null };
    narrowing.only = asked.only;
    const given = Object.entries(asked.only);
    const narrowed = given.length ? (narrowing.narrowed ?? plainly(given)) : null;
    const offered = narrowing.can_narrow || given.length > 0;
    if (offered) narrow.use(asked.only);
    const chipsOf = part("parts");
    if (narrowed) {
      draw(chips, chipsOf, narrowed, (_, name) => {
        const only = { ...asked.only };
        delete only[name];
        put({ ...asked, only: name === "all" ? {} : only, snapshot: "" });
      });
    }
    if (offered && narrow.root.parentElement === narrowRow) {
      narrow.root.nextSibling?.remove(); // the fields stay open while one after the other is set
    } else narrowRow.replaceChildren(...(offered ? [narrow.root] : []));
    if (narrowed) narrowRow.append(chipsOf);
  }

  // Conditions of which the server said nothing, as they stand in the address.
  function plainly(given) {
    const of = (key, values) => say(data.strings.narrow, key, values);
    const made = given.map(([name, value]) => ({ name, text: of("chip", { name: of(name), value }) }));
    return { chips: made, label: of("narrowed"), before: "", after: "" };
  }

  function drawCarried() {
    const carriedOver = asked.about.split(" ").filter(Boolean);
    carried.hidden = !asked.question || !carriedOver.length;
    if (carried.hidden) return;
    const shown = {
      chips: carriedOver.map((word) => ({ name: word, text: word })),
      label: words("also"),
      before: words("also"),
      after: words("carried"),
    };
    draw(chips, carried, shown, (_, name) => {
      const left = carriedOver.filter((word) => name !== "all" && word !== name);
      put({ ...asked, about: left.join(" "), snapshot: "" });
    });
  }

  function drawStart() {
    const picks = part("parts");
    if (reply.suggestions.length) {
      draw(suggestions, picks, { questions: reply.suggestions }, (_, question) => pick(question));
    }
    const hint = element("p", "hint");
    hint.append(...words("keys").split("**").map((text, n) => (n % 2 ? element("kbd", "", text) : text)));
    above.replaceChildren(picks, element("p", "corpus", reply.facts), hint);
  }

  function pick(question) {
    put({ ...asked, question, about: "", snapshot: "" });
    // The button that was pressed is gone; on touch screens the keyboard would cover the answer.
    if (window.matchMedia("(hover: hover)").matches) input.focus({ preventScroll: true });
  }

  const answerPart = part("answer");
  const mapPlace = element("p", "on-map");
  const feedbackPart = part("feedback");
  const left = element("div", "left");
  left.append(answerPart, mapPlace, feedbackPart);
  const right = element("div", "beside");
  const heading = element("div");
  const textPart = part("reader");
  const pagePart = part("picture");
  right.append(heading, textPart, pagePart);
  const above = element("div", "above");
  const columns = element("div", "columns");
  columns.append(left, right);
  body.append(above, columns);

  function drawAnswered() {
    above.replaceChildren(...(reply.notice ? [message(reply.notice)] : []));
    if (!reply.answer) return;
    drawAnswer();
    mapPlace.replaceChildren(
      ...(reply.map ? [way("map", reply.parameters, words("on_map"))] : []),
    );
    drawFeedback(reply.feedback);
    drawReader();
  }

  function drawAnswer() {
    stopAnswer();
    const here = readers.get(active);
    const at = here ? here.passages.findIndex((one) => one.number === here.focus) : -1;
    const textOf = (passage) => (passage ? passage.pieces.map(([text]) => text).join("") : "");
    const around = {
      before: at > 0 ? textOf(here.passages[at - 1]) : "",
      after: at >= 0 ? textOf(here.passages[at + 1]) : "",
    };
    const drawn = reply.answer.sources.map((source) =>
      source.number === active ? { ...source, ...around } : { ...source, before: "", after: "" },
    );
    stopAnswer = draw(answer, answerPart, { ...reply.answer, active, sources: drawn }, (name, value) => {
      if (!reply) return; // another question is on its way
      if (name === "open") open(value);
      if (name === "pick") pick(value);
      if (name === "read") read(value);
      if (name === "page") read(value, { view: "page" });
    });
  }

  const sourceOf = (number) => reply.answer.sources.find((one) => one.number === number);

  // The address of a source in its document, and of the way back.
  function placeOf(number, more = {}) {
    const { document, passage } = sourceOf(number);
    const view = new URLSearchParams(window.location.search).get("view");
    const place = { doc: document, p: String(passage), s: String(number) };
    return { ...reply.parameters, ...place, ...(view ? { view } : {}), ...more };
  }

  function read(number, more = {}) {
    leave(addressOn("read", placeOf(number, more)));
  }

  async function open(number) {
    const before = reply;
    active = number;
    if (!readers.has(number)) {
      const source = sourceOf(number);
      const found = await tried("reader", { ...where(source), snapshot: asked.snapshot });
      if (found.problem && !found.gone) missed.set(number, found.problem);
      else {
        missed.delete(number);
        readers.set(number, found.gone ? alone(source) : found);
      }
    }
    if (reply !== before || active !== number) return; // something else was opened meanwhile
    drawAnswer();
    drawReader();
  }

  const where = (source) => ({ passage: source.id, quotes: reply.answer.sentences.map((one) => one.at) });

  // A passage that is no longer there: what is known of it.
  function alone(source) {
    const { document, title, passage: number, total, id, pieces, place } = source;
    const row = { number, id, place, headings: [], pieces };
    return { document, title, focus: number, total, passages: [row] };
  }

  // The open source in its document, as text or as the picture of its page.
  async function drawReader() {
    if (!reply?.answer) return; // another question is on its way
    const mine = (drawing = {});
    right.hidden = !active;
    if (!active) return;
    const source = sourceOf(active);
    const shown = new URLSearchParams(window.location.search).get("view");
    const paged = source.drawn && shown === "page";
    const head = element("div", "head");
    head.append(element("b", "", words("context")), way("read", placeOf(active), words("document")));
    const missing = missed.has(active) ? [message(missed.get(active))] : [];
    heading.replaceChildren(head, ...(source.drawn ? [views(paged)] : []), ...missing);
    stopPage();
    pagePart.hidden = true;
    if (paged) {
      textPart.hidden = true;
      const late = setTimeout(() => heading.append(skeleton(say(data.strings.shown, "drawing"))), SKELETON);
      const page = await tried("picture", where(source));
      clearTimeout(late);
      if (drawing !== mine || !reply) return; // something else is to be seen meanwhile
      heading.querySelector(".waiting")?.remove();
      if (!page.problem) {
        pagePart.hidden = false;
        stopPage = draw(picture, pagePart, { ...page, height: HEIGHT, turns: false });
        return;
      }
      heading.append(message(page.problem));
    }
    if (textPart.hidden) stopReader(); // it has lost its place
    textPart.hidden = false;
    const there = readers.get(active) ?? alone(source);
    stopReader = draw(reader, textPart, { ...there, height: HEIGHT, controls: false });
  }

  // Text or page; the address keeps it, so that it is the same for the next passage.
  function views(paged) {
    const group = element("div", "views");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", say(data.strings.shown, "choose"));
    for (const [name, wanted] of [["as_text", false], ["as_page", true]]) {
      const made = button("view", say(data.strings.shown, name), () => {
        if (wanted) replaceParameter("view", "page");
        else removeParameter("view");
        drawReader();
        heading.querySelector(".view[aria-pressed=true]")?.focus();
      });
      made.setAttribute("aria-pressed", String(wanted === paged));
      group.append(made);
    }
    return group;
  }

  function drawFeedback(values) {
    const old = feedbackPart.previousElementSibling;
    if (old?.classList.contains("parts")) old.remove();
    feedbackPart.hidden = !values;
    if (!values) return;
    const { problem: refused, ...shown } = values;
    if (refused) feedbackPart.before(message(refused));
    if (shown.offered) draw(feedback, feedbackPart, shown, (_, event) => judge(event));
    else feedbackPart.hidden = true;
  }

  async function judge(event) {
    const before = reply;
    if (!before) return;
    const { judged, seal } = reply.feedback;
    const found = await tried("judge", { judged, seal, ...event });
    if (reply !== before) return;
    const { problem: refused, ...said } = found;
    reply.feedback = { ...reply.feedback, ...said, ...(refused ? {} : { problem: undefined }) };
    drawFeedback({ ...reply.feedback, problem: refused });
    reply.feedback.said = "";
  }

  // --- what happens to the page --------------------------------------------------------------------

  const moved = () => {
    narrow.close();
    look();
  };
  const look = () => {
    if (window.location.pathname !== path || (asked && sameAs(inAddress(), asked))) return;
    show(inAddress(), window.history.state?.before ?? "");
  };
  window.addEventListener("popstate", moved);

  return {
    follow(given) {
      data = given;
      look();
    },
    close() {
      calling.abort();
      stopAnswer();
      stopPage();
      stopReader();
      stopKeys();
      narrow.close();
      window.removeEventListener("popstate", moved);
    },
  };
}
