// A page of a PDF as a picture, with boxes over the quoted words, and buttons for its size. With
// data.turns it also has buttons for the pages before and after: event "turn" (a page).

const LINE = 16; // pixels: lines of print that are less high are hard to read
const LEAST = 7; // pixels: a page whose lines are as high as that is shown whole, not cut off
const READABLE = 760; // pixels of a page on which nothing is quoted

const sizes = new WeakMap(); // root element -> how large the picture is, in per cent of the frame

function picture({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const words = (key, values) => say(data.strings, key, values);

  const frame = element("div", "frame");
  frame.tabIndex = 0;
  frame.style.height = data.height;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", words("region", { title: data.title, page: data.page }));
  const sheet = element("div", "sheet");
  const image = element("img");
  image.src = data.image;
  image.width = data.width;
  image.height = data.tall;
  const boxed = data.quotes.join(" ");
  image.alt = words(boxed ? "alt_boxed" : "alt", { page: data.page, title: data.title, quote: boxed });
  sheet.append(image);
  for (const [left, top, right, bottom] of data.boxes) {
    const box = element("span", "box");
    box.setAttribute("aria-hidden", "true");
    box.style.left = `${100 * left}%`;
    box.style.top = `${100 * top}%`;
    box.style.width = `${100 * (right - left)}%`;
    box.style.height = `${100 * (bottom - top)}%`;
    sheet.append(box);
  }
  frame.append(sheet);

  const bar = element("div", "controls");
  const where = element("span", "where", words("where", { page: data.page, pages: data.pages }));
  const smaller = button("smaller", "−", () => resize(0.8));
  const larger = button("larger", "+", () => resize(1.25));
  smaller.setAttribute("aria-label", words("smaller"));
  larger.setAttribute("aria-label", words("larger"));
  smaller.setAttribute("aria-keyshortcuts", "-");
  larger.setAttribute("aria-keyshortcuts", "+");
  bar.append(where);
  if (data.turns) {
    const before = button("before", words("before"), () => setTriggerValue("turn", data.page - 1));
    const after = button("after", words("after"), () => setTriggerValue("turn", data.page + 1));
    before.disabled = data.page === 1;
    after.disabled = data.page === data.pages;
    bar.append(before, after);
  }
  bar.append(smaller, larger);
  host.replaceChildren(bar, frame);

  function resize(by) {
    sizes.set(host, Math.min(500, Math.max(50, size() * by)));
    show();
  }

  function size() {
    const wide = readable();
    const room = frame.clientWidth || wide;
    return sizes.get(host) ?? ((room * LINE) / wide >= LEAST ? 100 : (100 * wide) / room);
  }

  // How wide the page is when the quoted lines are as high as is easy to read, in pixels.
  function readable() {
    const heights = data.boxes.map(([left, top, right, bottom]) =>
      Math.min((right - left) * data.width, (bottom - top) * data.tall),
    );
    const line = heights.sort((a, b) => a - b)[Math.floor(heights.length / 2)];
    return line ? Math.min(2 * READABLE, (LINE * data.width) / line) : READABLE;
  }

  // The first box at a third of the frame's height; the others from their left edge, if it fits.
  function show() {
    sheet.style.width = `${size()}%`;
    const boxes = [...sheet.querySelectorAll(".box")];
    if (!boxes.length || !frame.clientHeight) return;
    const [first] = boxes;
    const edge = Math.min(...boxes.map((box) => box.offsetLeft));
    const fits = first.offsetLeft - edge < 0.6 * frame.clientWidth;
    frame.scrollTop = first.offsetTop - frame.clientHeight / 3;
    frame.scrollLeft = (fits ? edge : first.offsetLeft) - frame.clientWidth / 12;
  }

  const watch = new ResizeObserver(show);
  watch.observe(frame);
  image.addEventListener("load", show);
  const stopKeys = listenToKeys("picture", (event) => {
    const by = { "+": 1.25, "=": 1.25, "-": 0.8 }[event.key];
    if (!by || isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    resize(by);
  });
  return () => {
    stopKeys();
    watch.disconnect();
  };
}
