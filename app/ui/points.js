// Points of a map: fetched once for each snapshot, found by place, and drawn as pixels.

const WHOLE = 65535; // what places are counted in, either way
const CELLS = 128; // of the grid that points are looked up in, either way
const FAINT = 0.13; // how much is left of points of which others are singled out
// Told apart with each kind of colour blindness, and at least 3 to 1 against the page.
const LIGHT = [
  "#005ac3", "#f05a00", "#5a964b", "#3c0096", "#b42d78",
  "#875a00", "#3c87ff", "#004b00", "#b469c3", "#781e5a",
];
const DARK = [
  "#00b4b4", "#ffb45a", "#5ae1b4", "#7869d2", "#ff7887",
  "#b49600", "#c396ff", "#f0f05a", "#ffc3ff", "#c35a2d",
];
const REST = { light: "#8b8f94", dark: "#70767d" };

// What was fetched, for all maps of the page: a component's script is run anew on each visit.
const fetched = (window.passagesPoints ??= { snapshot: "", points: null, previews: new Map() });

async function get(path) {
  const reply = await fetch(`/points/${path}${fetched.key ? `?key=${fetched.key}` : ""}`);
  if (!reply.ok) throw new Error(await reply.text());
  return reply;
}

// `key` is what the page was given where one has to sign in.
function pointsOf(snapshot, key) {
  fetched.key = key;
  if (fetched.snapshot !== snapshot) {
    const wanted = get(snapshot).then(async (reply) => arranged(await reply.arrayBuffer()));
    wanted.catch(() => { fetched.snapshot = ""; });
    Object.assign(fetched, { snapshot, points: wanted, previews: new Map() });
  }
  return fetched.points;
}

function previewOf(snapshot, row) {
  const { previews } = fetched;
  if (!previews.has(row)) {
    const wanted = get(`${snapshot}/${row}`).then((reply) => reply.json());
    wanted.catch(() => previews.delete(row));
    previews.set(row, wanted);
  }
  return previews.get(row);
}

// The three columns of numbers, how far they reach, and the rows of points in each cell of a grid.
function arranged(buffer) {
  const size = buffer.byteLength / 6;
  const [x, y, group] = [0, 1, 2].map((column) => new Uint16Array(buffer, 2 * column * size, size));
  const cellOf = (row) => ((y[row] * CELLS) >> 16) * CELLS + ((x[row] * CELLS) >> 16);
  const begins = new Uint32Array(CELLS * CELLS + 1);
  for (let row = 0; row < size; row++) begins[cellOf(row) + 1]++;
  for (let cell = 0; cell < CELLS * CELLS; cell++) begins[cell + 1] += begins[cell];
  const next = begins.slice();
  const rows = new Uint32Array(size);
  for (let row = 0; row < size; row++) rows[next[cellOf(row)]++] = row;
  const pick = (values, choose) => values.reduce((one, other) => choose(one, other));
  const ends = [x, y].map((values) => [pick(values, Math.min), pick(values, Math.max)]);
  const extent = ends.map(([least, most]) => Math.max(1, most - least));
  const middle = ends.map(([least, most]) => (most + least) / 2);
  return { size, x, y, group, extent, middle, begins, rows };
}

// The point nearest to a place of the map and less than `reach` pixels from it, or -1. `kx` and
// `ky` are how many pixels a unit of the map is.
function nearest(points, x, y, kx, ky, reach) {
  const cell = (place) => Math.min(CELLS - 1, Math.max(0, Math.floor((place * CELLS) / 65536)));
  let [found, best] = [-1, reach * reach];
  for (let down = cell(y - reach / ky); down <= cell(y + reach / ky); down++) {
    const first = points.begins[down * CELLS + cell(x - reach / kx)];
    const last = points.begins[down * CELLS + cell(x + reach / kx) + 1];
    for (let at = first; at < last; at++) {
      const row = points.rows[at];
      const far = ((points.x[row] - x) * kx) ** 2 + ((points.y[row] - y) * ky) ** 2;
      if (far < best) [found, best] = [row, far];
    }
  }
  return found;
}

// The next point in a direction [-1, 0, 1], with what lies straight ahead before what lies aside.
function nextTowards(points, from, [right, down], kx, ky) {
  let [found, best] = [-1, Infinity];
  for (let row = 0; row < points.size; row++) {
    const x = (points.x[row] - points.x[from]) * kx;
    const y = (points.y[row] - points.y[from]) * ky;
    const ahead = x * right + y * down;
    const aside = Math.abs(x * down - y * right);
    if (ahead < 0.5 || aside > ahead) continue;
    if (ahead + 2 * aside < best) [found, best] = [row, ahead + 2 * aside];
  }
  return found;
}

// A disc as the pixels around its middle, and how much of each it covers, in 0..255.
function discOf(radius, width) {
  const pixels = [];
  const covers = [];
  const reach = Math.ceil(radius);
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const cover = Math.min(1, radius + 0.5 - Math.hypot(x, y));
      if (cover < 0.02) continue;
      pixels.push(y * width + x);
      covers.push(Math.round(255 * cover));
    }
  }
  const full = Uint8Array.from(covers);
  const faint = full.map((cover) => Math.round(FAINT * cover));
  return { reach, pixels: Int32Array.from(pixels), full, faint };
}

// Fill a picture: an array of pixels takes a tenth of the time of drawing each disc on the canvas.
// What is in `single`, or all if that is -1, is drawn in full.
function paint(image, points, { x, y, kx, ky, radius, colours, single }) {
  const { width, height } = image;
  const pixels = new Uint32Array(image.data.buffer).fill(0);
  const disc = discOf(radius, width);
  const [left, top] = [width / 2 - x * kx, height / 2 - y * ky];
  const last = colours.length - 1;
  const tints = colours.map((colour) => {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return (blue << 16) | (green << 8) | red;
  });
  // The first one stays on top: what has a colour of its own goes before the rest.
  for (const rest of [false, true]) {
    for (let row = 0; row < points.size; row++) {
      const group = points.group[row];
      if (rest !== group >= last) continue;
      const across = Math.round(points.x[row] * kx + left);
      const down = Math.round(points.y[row] * ky + top);
      if (across < disc.reach || across >= width - disc.reach) continue;
      if (down < disc.reach || down >= height - disc.reach) continue;
      const covers = single < 0 || single === group ? disc.full : disc.faint;
      const middle = down * width + across;
      for (let at = 0; at < covers.length; at++) {
        const pixel = middle + disc.pixels[at];
        if (covers[at] > pixels[pixel] >>> 24) pixels[pixel] = (covers[at] << 24) | tints[group];
      }
    }
  }
}
