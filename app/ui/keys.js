// "/" goes to the question box, Escape leaves it; what is typed there begins on its own side. Draws
// nothing.

export default function ({ data }) {
  const box = () => document.querySelector(`.st-key-${data.key} input`);
  if (box()) box().dir = "auto";
  if (data.autofocus && window.matchMedia("(hover: hover)").matches) {
    // Not on touch screens, where the keyboard would cover the page.
    if (document.activeElement === document.body) box()?.focus();
  }
  return listenToKeys("question", (event) => {
    if (event.key === "Escape" && event.composedPath()[0] === box()) box().blur();
    if (event.key !== "/" || isTyping(event) || event.ctrlKey || event.metaKey) return;
    const input = box();
    if (!input) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}
