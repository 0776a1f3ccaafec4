// Helpers that components.py puts before each component's own script. Text of documents only ever
// reaches the page through textContent and append(), which take it as characters, never as markup.

function element(tag, className = "", text = null) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  return made;
}

function button(className, text, onClick) {
  const made = element("button", className, text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

// Words of a section of strings.toml, with values in their places; "n" chooses between the forms
// for one and for other numbers.
function say(strings, key, values = {}) {
  let text = strings[key];
  if (typeof text === "object") text = values.n === 1 ? text.one : text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

// pieces are [text, kind] pairs: kind "quote" is a cited sentence, "words" are those in it that
// answer, "found" is what was looked for, "near" and "" are plain.
function appendPieces(parent, pieces) {
  for (const [text, kind] of pieces) {
    if (kind === "quote") parent.append(element("mark", "", text));
    else if (kind === "found") parent.append(element("mark", "found", text));
    else if (kind === "words") parent.append(element("strong", "", text));
    else parent.append(element("span", kind, text));
  }
}

function questionButtons(questions, pick) {
  return questions.map((question) => {
    const made = button("action", question, () => pick(question));
    made.dir = "auto";
    return made;
  });
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https, or without permission, only the old way works.
    const area = element("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

// A link that opens in the page itself, and in a new tab where that is asked for.
function linkTo(className, text, href, go) {
  const made = element("a", className, text);
  made.href = href;
  made.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go();
  });
  return made;
}

function isTyping(event) {
  const target = event.composedPath()[0];
  return Boolean(
    target && (["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName) || target.isContentEditable),
  );
}

// One keyboard listener per name: Streamlit calls a component's function again on each change of
// its data, and listeners on the document would pile up.
function listenToKeys(name, handler) {
  const listeners = (window.passagesKeys ??= {});
  if (listeners[name]) document.removeEventListener("keydown", listeners[name]);
  listeners[name] = handler;
  document.addEventListener("keydown", handler);
  return () => {
    document.removeEventListener("keydown", handler);
    if (listeners[name] === handler) delete listeners[name];
  };
}

// The address follows what is open without adding a step to the browser's history.
function replaceParameter(name, value) {
  const address = new URL(window.location.href);
  address.searchParams.set(name, value);
  window.history.replaceState(window.history.state, "", address);
}

function removeParameter(name) {
  const address = new URL(window.location.href);
  address.searchParams.delete(name);
  window.history.replaceState(window.history.state, "", address);
}

// A live region speaks only of what changes after it has been put into the page.
function announce(parentElement, text) {
  const region = parentElement.querySelector(".announce");
  if (region && region.textContent !== text) region.textContent = text;
}
