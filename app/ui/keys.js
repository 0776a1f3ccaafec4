// "/" goes to the box of this screen, or to the question box of Ask where it has none; Escape leaves
// a box. What is typed there begins on its own side. Where the menu covers the page Escape closes
// it. Draws nothing. data.box() finds the box, or data.key names it to Streamlit.

const ASK = "[data-testid=stTopNavLink], [data-testid=stSidebarNavLink]";
const FRAMES = 300; // for which a box that is not drawn yet is waited for
const MENU = "[data-testid=stSidebarCollapseButton] button[aria-expanded=true]";

function keys({ data }) {
  const box = data.box ?? (() => document.querySelector(`.st-key-${data.key} input`));
  const has = Boolean(data.key || data.box);
  const hovers = window.matchMedia("(hover: hover)").matches;
  let frame = 0;
  // The box may be put into the page after this.
  const begin = (frames) => {
    if (!box() && frames) {
      frame = requestAnimationFrame(() => begin(frames - 1));
      return;
    }
    if (box()) box().dir = "auto";
    // Not on touch screens, where the keyboard would cover the page.
    if (data.autofocus && hovers && document.activeElement === document.body) box()?.focus();
  };
  begin(has ? FRAMES : 0);
  const go = (frames) => {
    const input = box();
    if (!input && frames) {
      frame = requestAnimationFrame(() => go(frames - 1));
    } else if (!input) {
      document.activeElement?.blur(); // the link to this screen; the box is to have the focus
      document.querySelector(ASK)?.click();
    }
    input?.focus();
    input?.select();
  };
  const stop = listenToKeys("question", (event) => {
    if (event.key === "Escape" && isTyping(event)) {
      event.preventDefault(); // browsers empty a search box
      event.composedPath()[0].blur();
    } else if (event.key === "Escape" && window.matchMedia("(max-width: 768px)").matches) {
      document.querySelector(MENU)?.click();
    }
    if (event.key !== "/" || isTyping(event) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(has ? FRAMES : 0);
  });
  return () => {
    cancelAnimationFrame(frame);
    stop();
  };
}
