// Thumbs below an answer. Event: "judge" ({verdict, reasons, note, judge}; verdict "" takes it back).

const UP =
  "M7 21H4a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1h3m0 11V10m0 11h9.6a2 2 0 0 0 2-1.6l1.4-7a2 2 0 0 0-2-2.4" +
  "H14V5a2.2 2.2 0 0 0-2.2-2.2L7 10";

function thumb(turned) {
  const space = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(space, "svg");
  picture.setAttribute("viewBox", "0 0 24 24");
  picture.setAttribute("aria-hidden", "true");
  if (turned) picture.setAttribute("class", "turned");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", UP);
  picture.append(path);
  return picture;
}

// One name for all tabs of this browser; it is kept only once somebody judges.
function judgeOf(data) {
  const kept = document.cookie.match(new RegExp(`(?:^|; )${data.cookie}=([0-9a-f]{32})`));
  if (kept) return kept[1];
  document.cookie = `${data.cookie}=${data.judge}; path=/; max-age=31536000; SameSite=Strict`;
  return data.judge;
}

function feedback({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const words = (key) => say(data.strings, key);
  const old = host.dataset.about === data.about ? host.querySelector("textarea") : null;
  const focused = host.getRootNode().activeElement?.dataset?.control;
  host.dataset.about = data.about;

  const note = element("textarea");
  // What was typed and not sent yet is kept while the rest is drawn anew.
  note.value = old ? old.value : data.note;
  note.maxLength = data.longest;
  note.rows = 2;
  note.dir = "auto";
  note.placeholder = words("note");
  note.dataset.control = "note";
  note.setAttribute("aria-label", words("note"));

  function send(verdict, reasons) {
    setTriggerValue("judge", { verdict, reasons, note: note.value, judge: judgeOf(data) });
  }

  function control(className, name, onClick) {
    const made = button(className, null, onClick);
    made.dataset.control = name;
    return made;
  }

  function vote(verdict) {
    const chosen = data.verdict === verdict;
    const made = control(`thumb ${verdict}`, verdict, () => send(chosen ? "" : verdict, []));
    made.append(thumb(verdict === "down"));
    made.setAttribute("aria-pressed", String(chosen));
    const kind = { up: ["none_up", "up"], down: ["none_down", "down"] }[verdict][Number(data.answered)];
    made.setAttribute("aria-label", words(kind));
    made.title = words(kind);
    return made;
  }

  function reason({ name, text }) {
    const chosen = data.reasons.includes(name);
    const others = data.reasons.filter((one) => one !== name);
    const made = control("action reason", name, () =>
      send("down", chosen ? others : [...others, name]),
    );
    made.textContent = text;
    made.setAttribute("aria-pressed", String(chosen));
    return made;
  }

  function why() {
    const box = element("div", "why");
    const reasons = element("div", "reasons");
    reasons.setAttribute("role", "group");
    reasons.setAttribute("aria-label", words("why"));
    reasons.append(element("span", "asked", words("why")), ...data.offered.map(reason));
    const last = element("div", "last");
    const keep = control("action", "keep", () => send("down", data.reasons));
    keep.textContent = words("send");
    last.append(note, keep);
    if (data.said && focused === "keep") last.append(element("span", "thanks", data.said));
    box.append(reasons, last);
    return box;
  }

  const row = element("div", "thumbs");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", words(data.answered ? "asked" : "none_asked"));
  row.append(
    element("span", "asked", words(data.answered ? "asked" : "none_asked")),
    vote("up"),
    vote("down"),
  );
  if (data.verdict) {
    const back = control("back", "back", () => send("", []));
    back.textContent = words("take_back");
    row.append(element("span", "thanks", words("thanks")), back);
  }
  host.replaceChildren(row, ...(data.verdict === "down" ? [why()] : []));

  if (focused) {
    const all = [...host.querySelectorAll("[data-control]")];
    // The button that takes back is gone once it was pressed.
    const same = all.find((one) => one.dataset.control === focused) ?? (old || data.said ? all[0] : null);
    if (same) same.focus({ preventScroll: true });
  }
  if (data.said) {
    announce(parentElement, ""); // the same words twice are a change only so
    setTimeout(() => announce(parentElement, data.said), 50);
  }
}
