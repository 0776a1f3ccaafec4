// What stands around a map: its legend, the hits of the question, and the regions as a list.

// The documents and their colours; view.single is the one that stands out, if any.
function legendOf(data, words, view, draw) {
  const list = element("div", "legend");
  list.setAttribute("role", "group");
  list.setAttribute("aria-label", data.legend);
  const names = [...data.groups];
  if (data.rest) names.push({ name: words("rest"), passages: data.rest });
  names.forEach(({ name, passages }, number) => {
    const entry = button("entry", null, () => {
      view.single = view.single === number ? -1 : number;
      press();
      draw();
    });
    const shown = element("span", "words", name);
    shown.dir = "auto";
    const size = element("small", "", passages.toLocaleString("en"));
    entry.append(element("i", "swatch"), shown, size);
    entry.title = name;
    list.append(entry);
  });
  const press = () => [...list.children].forEach((entry, number) =>
    entry.setAttribute("aria-pressed", String(view.single === number)),
  );
  press();
  return list;
}

// The hits of the question; go has where a link leads, what opens it, and what points at it.
function hitList(data, words, go) {
  const side = element("section", "side");
  side.setAttribute("aria-label", words("hits"));
  const title = element("h2", "", words(data.answered ? "hits" : "nearest"));
  const list = element("ol", "hits");
  for (const hit of data.hits) {
    const item = element("li");
    const link = linkTo("hit", null, go.hrefOf(hit) + `&s=${hit.rank}`, () => go.open(hit));
    for (const on of ["mouseenter", "focus"]) link.addEventListener(on, () => go.pointAt(hit.row));
    for (const off of ["mouseleave", "blur"]) link.addEventListener(off, () => go.pointAt(-1));
    link.append(element("span", "number", String(hit.rank)), passageOf(hit));
    item.append(link);
    list.append(item);
  }
  side.append(title, list);
  return side;
}

function passageOf(shown) {
  const made = element("span", "passage");
  const title = element("b", "", shown.title);
  const text = element("span", "text", shown.text);
  title.dir = text.dir = "auto";
  made.append(title, text);
  return made;
}

// The regions with passages that stand for them: a way in without seeing the points.
function regionList(data, words, go) {
  const box = element("details", "regions");
  box.append(element("summary", "", words("regions", { n: data.regions.length })));
  const list = element("ul");
  for (const region of data.regions) {
    const item = element("li");
    const show = button("title", region.name, () => go.show(region));
    show.dir = "auto";
    show.title = words("show");
    const typical = element("ul");
    for (const shown of region.typical) {
      const line = element("li");
      const link = linkTo("hit", null, go.hrefOf(shown), () => go.open(shown));
      link.append(passageOf(shown));
      line.append(link);
      typical.append(line);
    }
    item.append(show, element("small", "", words("passages", { n: region.passages })), typical);
    list.append(item);
  }
  box.append(list);
  return box;
}
