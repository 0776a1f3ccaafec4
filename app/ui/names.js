// What is written over the points of a map: numbers of hits and names of regions, none over another.

// Where the number of a hit may be, in pixels from it.
const BADGES = [18, 30, 44].flatMap((far) =>
  [-1, -3, 1, 3, -2, 2, 0, 4].map((eighth) => [
    far * Math.cos((eighth * Math.PI) / 4),
    far * Math.sin((eighth * Math.PI) / 4),
  ]),
);
const BESIDE = [0, -18, 18, -36, 36, -60, 60, -84, 84]; // pixels below its region where a name may be
const RIGHT_TO_LEFT = /^[^A-Za-z\u00c0-\u024f]*[\u0590-\u08ff\ufb1d-\ufefc]/;

// A ring with its number for each hit, [rank, left, top], and one for the place that is pointed at;
// returns the boxes that are taken, of which the tools in the corner are the first.
function drawRings(context, { text, back, font }, hits, pointed, corner) {
  const taken = [corner];
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
  if (pointed) ring(...pointed, 7, 2);
  return taken;
}

// The names of the largest regions first, [name, left, top]; one that would lie over another thing
// is left out. A place that hides no points is better than another one.
function drawNames(context, { text, back, font }, names, [width, height], taken, hides) {
  context.font = `600 13px ${font}`;
  context.lineJoin = "round";
  for (const [name, left, top] of names) {
    const half = context.measureText(name).width / 2 + 4;
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

function overlap(one, other) {
  return one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3];
}
