// A page of a PDF as a picture, with boxes over the quoted words, and buttons for its size. With
// data.turns it also has buttons for the pages before and after: event "turn" (a page).

const READABLE = 760; // pixels: print is hard to read on a narrower page

const sizes = new WeakMap(); // root element -> how large the picture is, in per cent of the frame

export default function ({ data, parentElement, setTriggerValue }) {
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
    return sizes.get(host) ?? Math.max(100, (100 * READABLE) / (frame.clientWidth || READABLE));
  }

  // The first box at a third of the frame's height.
  function show() {
    sheet.style.width = `${size()}%`;
    const first = sheet.querySelector(".box");
    if (!first || !frame.clientHeight) return;
    frame.scrollTop = first.offsetTop - frame.clientHeight / 3;
    frame.scrollLeft = first.offsetLeft - frame.clientWidth / 12;
  }

  const watch = new ResizeObserver(show);
  watch.observe(frame);
  image.addEventListener("load", show);
  return () => watch.disconnect();
}
