// "/" goes to the question box, Escape leaves it; what is typed there begins on its own side. Where
// the menu covers the page Escape closes it. Draws nothing.

const MENU = "[data-testid=stSidebarCollapseButton] button[aria-expanded=true]";

export default function ({ data }) {
  const box = () => document.querySelector(`.st-key-${data.key} input`);
  if (box()) box().dir = "auto";
  if (data.autofocus && window.matchMedia("(hover: hover)").matches) {
    // Not on touch screens, where the keyboard would cover the page.
    if (document.activeElement === document.body) box()?.focus();
  }
  return listenToKeys("question", (event) => {
    if (event.key === "Escape" && event.composedPath()[0] === box()) box().blur();
    else if (event.key === "Escape" && window.matchMedia("(max-width: 768px)").matches) {
      document.querySelector(MENU)?.click();
    }
    if (event.key !== "/" || isTyping(event) || event.ctrlKey || event.metaKey) return;
    const input = box();
    if (!input) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}
