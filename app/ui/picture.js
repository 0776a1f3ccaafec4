// A page of a PDF as a picture, with boxes over the quoted words, and buttons for its size.

const sizes = new WeakMap(); // root element -> how large the picture is, in per cent of the frame

export default function ({ data, parentElement }) {
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
  bar.append(where, smaller, larger);
  host.replaceChildren(bar, frame);

  function resize(by) {
    const size = Math.min(400, Math.max(50, (sizes.get(host) ?? 100) * by));
    sizes.set(host, size);
    sheet.style.width = `${size}%`;
    show();
  }

  // The first box at a third of the frame's height.
  function show() {
    const first = sheet.querySelector(".box");
    if (!first || !frame.clientHeight) return;
    frame.scrollTop = first.offsetTop - frame.clientHeight / 3;
    frame.scrollLeft = first.offsetLeft - frame.clientWidth / 3;
  }

  sheet.style.width = `${sizes.get(host) ?? 100}%`;
  const watch = new ResizeObserver(show);
  watch.observe(frame);
  image.addEventListener("load", show);
  return () => watch.disconnect();
}
