// The map: points with names of regions and rings around the hits of a question, to move about in
// with mouse, fingers or keys. Event: "read" ({ document, number } of a passage).

const MARGIN = 26; // pixels around all points
const REACH = 14; // pixels from a point within which it is pointed at
const CLOSEST = 400; // times as large as at first
const WIDEST = 3; // times as far as it is drawn out one way: how far apart groups lie says little
const STEP = 60; // pixels that a key moves the map by
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const views = (window.passagesMapViews ??= new Map()); // snapshot -> where one was on its map

function map({ data, parentElement, setTriggerValue }) {
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
  const go = { hrefOf, open, pointAt: (row) => points && point(row), show };
  const legend = legendOf(data, words, view, () => draw());
  const drawn = element("div", "drawn");
  drawn.append(frame, legend, keys);
  const beside = element("div", data.hits.length ? "beside" : "");
  beside.append(drawn, ...(data.hits.length ? [hitList(data, words, go)] : []));
  host.replaceChildren(beside, regionList(data, words, go));

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
      const bar = frame.querySelector(".tools");
      const corner = [bar.offsetLeft, 0, frame.clientWidth, bar.offsetTop + bar.offsetHeight];
      const placed = (row) => onCanvas(points.x[row], points.y[row]);
      const hits = data.hits.map(({ row, rank }) => [rank, ...placed(row)]);
      const taken = drawRings(context, how, hits, pointed < 0 ? null : placed(pointed), corner);
      const names = data.regions.map(({ name, x, y }) => [name, ...onCanvas(x, y)]);
      drawNames(context, how, names, [frame.clientWidth, frame.clientHeight], taken, hides);
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

  // Whether there are points below a box.
  function hides([left, top, right, bottom]) {
    const { kx, ky } = scales();
    const middle = (top + bottom) / 2;
    for (let along = left + 10; along < right; along += 15) {
      if (nearest(points, ...onMap(along, middle), kx, ky, 14) >= 0) return true;
    }
    return false;
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

  function show(region) {
    move(Math.min(8, Math.sqrt(data.passages / region.passages) / 1.3), region.x, region.y);
    frame.scrollIntoView({ block: "nearest" });
    announce(parentElement, words("shown", { name: region.name }));
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
