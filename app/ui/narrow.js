// The fields that narrow the search, behind a button. A list of many values is one to type in.

const MANY = 60; // values up to which all of a list are shown at once

// words(key) says; choices() fetches what there is to choose from; put({field: value}) narrows.
function narrowFields(words, choices, put) {
  const root = element("div", "narrow");
  const fields = element("div", "fields");
  fields.id = "fields";
  fields.hidden = true;
  const opener = button("opener", words("open"), () => toggle(!wanted));
  opener.setAttribute("aria-expanded", "false");
  opener.setAttribute("aria-controls", "fields");
  root.append(opener, fields);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !wanted) return;
    toggle(false);
    opener.focus();
  });
  root.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !root.contains(event.relatedTarget)) toggle(false);
  });
  const elsewhere = (event) => {
    if (!event.composedPath().includes(root)) toggle(false);
  };
  let only = {};
  let there = null; // what there is to choose from
  let wanted = false; // whether the fields are to be seen

  async function toggle(open) {
    if (open === wanted) return;
    wanted = open;
    opener.setAttribute("aria-expanded", String(open));
    if (!open) {
      fields.hidden = true;
      document.removeEventListener("pointerdown", elsewhere);
      return;
    }
    document.addEventListener("pointerdown", elsewhere);
    fields.hidden = !there; // what is known already is shown at once
    const found = await choices();
    if (!wanted) return;
    if (found.problem) fields.replaceChildren(element("p", "", found.problem.title));
    else if (JSON.stringify(found) !== JSON.stringify(there)) {
      there = found;
      drawFields();
    }
    fields.hidden = false;
  }

  function drawFields() {
    const dates = element("div", "dates");
    dates.append(...there.dates.map((hint, n) => date(["since", "until"][n], hint)));
    const about = there.dates.length ? [dates, element("p", "", words("dates"))] : [];
    fields.replaceChildren(...there.lists.map(list), ...about);
    fill();
  }

  // A field with a list of values, if it has any to choose from.
  function list({ name, values }) {
    const label = element("label", "", words(name));
    const [field, ...more] = values.length > MANY ? typed(name, values) : [picked(name, values)];
    field.name = name;
    label.append(field, ...more);
    return label;
  }

  function picked(name, values) {
    const field = element("select");
    const any = element("option", "", words("any", { name: words(name).toLowerCase() }));
    any.value = "";
    field.append(any);
    for (const [value, text] of values) option(field, value, text);
    field.addEventListener("change", () => put({ [name]: field.value }));
    return field;
  }

  function typed(name, values) {
    const field = element("input");
    const offers = element("datalist");
    offers.id = `${name}-values`;
    for (const [, text] of values) offers.append(new Option(text, text));
    field.setAttribute("list", offers.id);
    field.autocomplete = "off";
    field.placeholder = words("any", { name: words(name).toLowerCase() });
    const byValue = new Map(values);
    const byText = new Map(values.map(([value, text]) => [text, value]));
    field.addEventListener("change", () => {
      const value = field.value && byText.get(field.value);
      if (value === undefined) field.value = byValue.get(only[name]) ?? ""; // it is none of them
      else put({ [name]: value });
    });
    return [field, offers];
  }

  function option(field, value, text) {
    const made = element("option", "", text);
    made.value = value;
    field.append(made);
  }

  function date(name, hint) {
    const label = element("label", "", words(name));
    const field = element("input");
    field.name = name;
    field.placeholder = hint;
    field.pattern = there.date;
    const wrong = element("span", "wrong");
    wrong.setAttribute("role", "alert");
    field.addEventListener("change", () => {
      field.value = field.value.trim();
      wrong.textContent = field.checkValidity() ? "" : words("no_date");
      field.setAttribute("aria-invalid", String(!field.checkValidity()));
      if (field.checkValidity()) put({ [name]: field.value });
    });
    label.append(field, wrong);
    return label;
  }

  // What the fields say; a value in the address that is none of theirs is one of them.
  function fill() {
    for (const field of fields.querySelectorAll("select, input")) {
      if (field === root.getRootNode().activeElement) continue; // somebody types in it
      const value = only[field.name] ?? "";
      if (field.tagName === "SELECT" && ![...field.options].some((one) => one.value === value)) {
        option(field, value, value);
      }
      const known = there.lists.find((one) => one.name === field.name)?.values ?? [];
      const text = known.find(([one]) => one === value)?.[1] ?? value;
      field.value = field.tagName === "SELECT" ? value : text;
      field.removeAttribute("aria-invalid");
      field.parentElement.querySelector(".wrong")?.replaceChildren();
    }
  }

  return {
    root,
    use(narrowed) {
      only = narrowed;
      if (there) fill();
    },
    close: () => toggle(false),
  };
}
