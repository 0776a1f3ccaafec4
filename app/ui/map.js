// The map: points with names of regions and rings around the hits of a question, to move about in
// with mouse, fingers or keys. Event: "read" ({ document, number } of a passage).

const MARGIN = 26; // pixels around all points
const REACH = 14; // pixels from a point within which it is pointed at
const CLOSEST = 400; // times as large as at first
const WIDEST = 3; // times as far as it is drawn out one way: how far apart groups lie says little
const STEP = 60; // pixels that a key moves the map by
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
// Where the number of a hit may be, in pixels from it.
const BADGES = [18, 30, 44].flatMap((far) =>
  [-1, -3, 1, 3, -2, 2, 0, 4].map((eighth) => [
    far * Math.cos((eighth * Math.PI) / 4),
    far * Math.sin((eighth * Math.PI) / 4),
  ]),
);
const BESIDE = [0, -18, 18, -36, 36, -60, 60, -84, 84]; // pixels below its region where a name may be
const RIGHT_TO_LEFT = /^[^A-Za-z\u00c0-\u024f]*[\u0590-\u08ff\ufb1d-\ufefc]/;

const views = (window.passagesMapViews ??= new Map()); // snapshot -> where one was on its map

export default function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const words = (key, values) => say(data.strings, key, values);
  const view = views.get(data.snapshot) ?? { zoom: 0, x: 0, y: 0, single: -1 };
  views.set(data.snapshot, view);
  let points = null;
  let current = -1; // the row that the keys are at
  let pointed = -1; // the row that is previewed
  let image = null; // the points as they were drawn last
  let frameAsked = 0;

  const canvas = element("canvas", "points");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", words("role"));
  canvas.setAttribute("aria-label", words("label", { n: data.passages.toLocaleString("en") }));
  canvas.setAttribute("aria-describedby", "keys");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const tip = element("div", "tip");
  tip.hidden = true;
  const frame = element("div", "frame");
  frame.style.height = data.height;
  frame.append(canvas, tools(), tip);
  const keys = element("p", "keys", words("keys"));
  keys.id = "keys";
  const legend = legendOf();
  const drawn = element("div", "drawn");
  drawn.append(frame, legend, keys);
  const beside = element("div", data.hits.length ? "beside" : "");
  beside.append(drawn, ...(data.hits.length ? [hitList()] : []));
  host.replaceChildren(beside, regionList());

  // Where the map lies on the canvas, in CSS pixels.
  function scales() {
    const [width, height] = [frame.clientWidth, frame.clientHeight];
    const [across, down] = [width, height].map((side) => Math.max(40, side - 2 * MARGIN));
    const [wide, high] = points ? points.extent : [WHOLE, WHOLE];
    const [kx, ky] = [across / wide, down / high];
    return {
      width,
      height,
      kx: view.zoom * Math.min(kx, WIDEST * ky),
      ky: view.zoom * Math.min(ky, WIDEST * kx),
    };
  }

  function onCanvas(x, y) {
    const { width, height, kx, ky } = scales();
    return [(x - view.x) * kx + width / 2, (y - view.y) * ky + height / 2];
  }

  function onMap(left, top) {
    const { width, height, kx, ky } = scales();
    return [(left - width / 2) / kx + view.x, (top - height / 2) / ky + view.y];
  }

  function look() {
    const styles = getComputedStyle(host);
    const [red, green, blue] = styles.color.match(/[\d.]+/g).map(Number);
    const dark = red + green + blue > 384; // the text is light
    const colours = (dark ? DARK : LIGHT).slice(0, data.groups.length);
    return {
      text: styles.color,
      back: styles.getPropertyValue("--st-background-color"),
      font: styles.fontFamily,
      colours: [...colours, REST[dark ? "dark" : "light"]],
    };
  }

  function draw(anew = true) {
    if (anew) image = null;
    frameAsked ||= requestAnimationFrame(() => {
      frameAsked = 0;
      if (!points || !frame.clientWidth) return;
      const start = performance.now();
      const how = look();
      const sharp = Math.min(2, window.devicePixelRatio || 1);
      image ??= pictureOf(how, sharp);
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.putImageData(image, 0, 0);
      context.setTransform(sharp, 0, 0, sharp, 0, 0);
      const taken = drawRings(how);
      drawNames(how, taken);
      [...legend.children].forEach((one, at) => one.style.setProperty("--swatch", how.colours[at]));
      performance.clearMeasures("passages-map");
      performance.measure("passages-map", { start, end: performance.now() });
    });
  }

  function pictureOf({ colours }, sharp) {
    const { width, height, kx, ky } = scales();
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
    const picture = new ImageData(canvas.width, canvas.height);
    const many = Math.log10(points.size);
    const radius = sharp * Math.max(1.1, 5.6 - 0.9 * many) * Math.min(2.5, view.zoom ** 0.3);
    paint(picture, points, { ...view, kx: kx * sharp, ky: ky * sharp, radius, colours });
    return picture;
  }

  // A ring with its number for each hit, and one for what is pointed at; returns the boxes that
  // are taken.
  function drawRings({ text, back, font }) {
    const bar = frame.querySelector(".tools");
    const taken = [[bar.offsetLeft, 0, frame.clientWidth, bar.offsetTop + bar.offsetHeight]];
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.font = `600 12px ${font}`;
    const ring = (left, top, radius, width) => {
      for (const [colour, wide] of [[back, width + 3], [text, width]]) {
        context.beginPath();
        context.arc(left, top, radius, 0, 2 * Math.PI);
        [context.strokeStyle, context.lineWidth] = [colour, wide];
        context.stroke();
      }
    };
    const hits = data.hits.map(({ row, rank }) => [rank, ...onCanvas(points.x[row], points.y[row])]);
    for (const [, left, top] of hits) {
      ring(left, top, 8, 2);
      taken.push([left - 8, top - 8, left + 8, top + 8]);
    }
    for (const [rank, left, top] of hits) {
      const boxes = BADGES.map(([x, y]) => [left + x - 9, top + y - 9, left + x + 9, top + y + 9]);
      const box = boxes.find((one) => !taken.some((other) => overlap(one, other))) ?? boxes[0];
      taken.push(box);
      const middle = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
      context.beginPath();
      context.arc(...middle, 9, 0, 2 * Math.PI);
      context.fillStyle = text;
      context.fill();
      context.fillStyle = back;
      context.fillText(String(rank), middle[0], middle[1] + 0.5);
    }
    if (pointed >= 0) ring(...onCanvas(points.x[pointed], points.y[pointed]), 7, 2);
    return taken;
  }

  // The names of the largest regions first; one that would lie over another thing is left out.
  function drawNames({ text, back, font }, taken) {
    const { width, height } = scales();
    context.font = `600 13px ${font}`;
    context.lineJoin = "round";
    for (const { name, x, y } of data.regions) {
      const half = context.measureText(name).width / 2 + 4;
      const [left, top] = onCanvas(x, y);
      if (left < 0 || top < 0 || left > width || top > height || 2 * half > width) continue;
      const middle = Math.min(width - half, Math.max(half, left));
      const boxes = BESIDE.map((y) => [middle - half, top + y - 10, middle + half, top + y + 10]);
      const inside = boxes.filter((box) => box[1] >= 2 && box[3] <= height - 2);
      const free = inside.filter((box) => !taken.some((other) => overlap(box, other)));
      const box = free.find((one) => !hides(one)) ?? free[0];
      if (!box) continue;
      taken.push(box);
      context.direction = RIGHT_TO_LEFT.test(name) ? "rtl" : "ltr";
      [context.strokeStyle, context.lineWidth, context.fillStyle] = [back, 4, text];
      context.strokeText(name, middle, box[1] + 10);
      context.fillText(name, middle, box[1] + 10);
    }
  }

  // Whether there are points below a box.
  function hides([left, top, right, bottom]) {
    const { kx, ky } = scales();
    const middle = (top + bottom) / 2;
    for (let along = left + 10; along < right; along += 15) {
      if (nearest(points, ...onMap(along, middle), kx, ky, 14) >= 0) return true;
    }
    return false;
  }

  function overlap(one, other) {
    return one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
  }

  // Moving about.

  function move(zoom, x, y) {
    view.zoom = Math.min(CLOSEST, Math.max(1, zoom));
    const inside = (place) => Math.min(WHOLE, Math.max(0, place));
    [view.x, view.y] = view.zoom === 1 ? points.middle : [inside(x), inside(y)];
    draw();
    if (pointed >= 0) placeTip();
  }

  // Larger or smaller, with one place of the canvas staying where it is.
  function zoom(by, left = frame.clientWidth / 2, top = frame.clientHeight / 2) {
    const [x, y] = onMap(left, top);
    const factor = Math.min(CLOSEST, Math.max(1, view.zoom * by)) / view.zoom;
    move(view.zoom * factor, x + (view.x - x) / factor, y + (view.y - y) / factor);
  }

  function shift(right, down) {
    const { kx, ky } = scales();
    move(view.zoom, view.x + right / kx, view.y + down / ky);
  }

  function tools() {
    const bar = element("div", "tools");
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", words("tools"));
    const add = (sign, said, act) => {
      const made = button("tool", sign, act);
      made.setAttribute("aria-label", said);
      made.title = said;
      bar.append(made);
    };
    add("+", words("larger"), () => zoom(1.6));
    add("−", words("smaller"), () => zoom(1 / 1.6));
    add("⤢", words("all"), () => move(1));
    return bar;
  }

  // What is pointed at.

  async function point(row, { told = false, link = false } = {}) {
    if (row === pointed && !told && !link) return;
    pointed = row;
    draw(false);
    if (row < 0) {
      tip.hidden = true;
      return;
    }
    const shown = await previewOf(data.snapshot, row).catch((error) => ({ failed: error.message }));
    if (pointed !== row) return; // meanwhile at another one
    const parts = shown.failed
      ? [element("span", "", shown.failed)]
      : [element("b", "", shown.title), path(shown), element("span", "text", shown.text)];
    for (const part of parts) part.dir = "auto";
    if (link && !shown.failed) {
      parts.push(linkTo("read", words("read"), hrefOf(shown), () => open(shown)));
    }
    tip.replaceChildren(...parts);
    tip.classList.toggle("touched", link);
    tip.hidden = false;
    placeTip();
    const said = [shown.title, ...(shown.headings ?? []), shown.text ?? shown.failed];
    if (told) announce(parentElement, said.filter(Boolean).join(". "));
  }

  function path({ headings, number }) {
    const above = headings.map((one) => `${one} · `).join("");
    return element("span", "path", words("place", { path: above, n: number }));
  }

  function placeTip() {
    const [left, top] = onCanvas(points.x[pointed], points.y[pointed]);
    const [width, height] = [frame.clientWidth, frame.clientHeight];
    const [wide, high] = [tip.offsetWidth, tip.offsetHeight];
    const beneath = top + 16 + high <= height || top < height / 2;
    tip.style.left = `${Math.max(6, Math.min(left - 24, width - wide - 6))}px`;
    tip.style.top = `${beneath ? top + 16 : top - 16 - high}px`;
  }

  function hrefOf({ document: name, number }) {
    return `/read?${new URLSearchParams({ ...data.asked, doc: name, p: number })}`;
  }

  function open({ document: name, number }) {
    setTriggerValue("read", { document: name, number });
  }

  async function read(row) {
    const shown = await previewOf(data.snapshot, row).catch(() => null);
    if (shown) open(shown);
  }

  function goTo(row) {
    if (row < 0) return;
    current = row;
    const [left, top] = onCanvas(points.x[row], points.y[row]);
    const { width, height } = scales();
    const inside = left > 10 && top > 10 && left < width - 10 && top < height - 10;
    if (!inside) move(view.zoom, points.x[row], points.y[row]);
    point(row, { told: true });
  }

  function begin() {
    if (data.hits.length) return data.hits[0].row;
    const { kx, ky } = scales();
    return nearest(points, view.x, view.y, kx, ky, frame.clientWidth + frame.clientHeight);
  }

  canvas.addEventListener("keydown", (event) => {
    if (!points || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    const hit = data.hits.find(({ rank }) => String(rank) === event.key);
    const { kx, ky } = scales();
    const first = current < 0;
    const step = { n: 1, p: -1 }[event.key];
    if (arrow && event.shiftKey) shift(arrow[0] * STEP, arrow[1] * STEP);
    else if (arrow) goTo(first ? begin() : nextTowards(points, current, arrow, kx, ky));
    else if (step) goTo(first ? begin() : (current + step + points.size) % points.size);
    else if (hit) goTo(hit.row);
    else if (event.key === "Enter" && !first) read(current);
    else if (event.key === "+" || event.key === "=") zoom(1.6);
    else if (event.key === "-") zoom(1 / 1.6);
    else if (event.key === "0") move(1);
    else if (event.key === "Escape") point(-1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("blur", (event) => {
    if (points && !tip.contains(event.relatedTarget)) point(-1);
  });

  // Mouse and fingers: one moves the map, two make it larger or smaller.
  const down = new Map(); // pointer -> where it is
  let moved = 0; // pixels since the first one went down

  const placeIn = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const at = ([left, top]) => {
    const { kx, ky } = scales();
    return points ? nearest(points, ...onMap(left, top), kx, ky, REACH) : -1;
  };
  const spread = () => {
    const [one, other] = [...down.values()];
    return Math.max(8, Math.hypot(one[0] - other[0], one[1] - other[1]));
  };
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (!down.size) moved = 0;
    down.set(event.pointerId, placeIn(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    const place = placeIn(event);
    const before = down.get(event.pointerId);
    if (!before) {
      const row = at(place);
      canvas.classList.toggle("over", row >= 0);
      if (event.pointerType !== "touch") point(row);
      return;
    }
    const [right, below] = [place[0] - before[0], place[1] - before[1]];
    moved += Math.hypot(right, below);
    if (down.size === 2) {
      const was = spread();
      down.set(event.pointerId, place);
      const [one, other] = [...down.values()];
      zoom(spread() / was, (one[0] + other[0]) / 2, (one[1] + other[1]) / 2);
      shift(-right / 2, -below / 2);
      return;
    }
    down.set(event.pointerId, place);
    if (moved > 4) shift(-right, -below);
  });
  canvas.addEventListener("pointerup", (event) => {
    const row = down.size === 1 && moved <= 4 ? at(placeIn(event)) : -1;
    down.delete(event.pointerId);
    if (event.button || moved > 4) return;
    if (event.pointerType === "touch") point(row, { link: true });
    else if (row >= 0) read(row);
  });
  canvas.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "touch") point(-1);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode ? 30 : 1);
    zoom(Math.exp(-Math.max(-200, Math.min(200, pixels)) / 300), ...placeIn(event));
  }, { passive: false });

  // What stands around the map.

  function legendOf() {
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

  function hitList() {
    const side = element("section", "side");
    side.setAttribute("aria-label", words("hits"));
    const title = element("h2", "", words(data.answered ? "hits" : "nearest"));
    const list = element("ol", "hits");
    for (const hit of data.hits) {
      const item = element("li");
      const link = linkTo("hit", null, hrefOf(hit) + `&s=${hit.rank}`, () => open(hit));
      const pointAt = (row) => () => points && point(row);
      for (const on of ["mouseenter", "focus"]) link.addEventListener(on, pointAt(hit.row));
      for (const off of ["mouseleave", "blur"]) link.addEventListener(off, pointAt(-1));
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

  function regionList() {
    const box = element("details", "regions");
    box.append(element("summary", "", words("regions", { n: data.regions.length })));
    const list = element("ul");
    for (const region of data.regions) {
      const item = element("li");
      const show = button("title", region.name, () => {
        move(Math.min(8, Math.sqrt(data.passages / region.passages) / 1.3), region.x, region.y);
        frame.scrollIntoView({ block: "nearest" });
        announce(parentElement, words("shown", { name: region.name }));
      });
      show.dir = "auto";
      show.title = words("show");
      const typical = element("ul");
      for (const shown of region.typical) {
        const line = element("li");
        const link = linkTo("hit", null, hrefOf(shown), () => open(shown));
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

  pointsOf(data.snapshot, data.key).then(
    (fetchedPoints) => {
      points = fetchedPoints;
      if (!view.zoom) move(1);
      draw();
    },
    (error) => frame.append(element("p", "failed", error.message)),
  );
  const found = data.hits.length ? words("found", { n: data.hits.length }) : "";
  setTimeout(() => announce(parentElement, found), 50);
  const watch = new ResizeObserver(() => draw());
  watch.observe(frame);
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  const repaint = () => setTimeout(draw, 300); // once the page has its other colours
  scheme.addEventListener("change", repaint);
  return () => {
    cancelAnimationFrame(frameAsked);
    watch.disconnect();
    scheme.removeEventListener("change", repaint);
  };
}
