// Where one is among some passages, and buttons to the one before and after. Event: "go" (a number).

function steps({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  const steps = element("div", "steps");
  steps.append(element("span", "left", data.said));
  const step = (name, sign, number, key) => {
    const made = button("step", sign, () => setTriggerValue("go", number));
    made.setAttribute("aria-label", data[name]);
    made.title = key ? `${data[name]} (${key})` : data[name];
    if (key) made.setAttribute("aria-keyshortcuts", key === "N" ? "Shift+N" : key);
    made.disabled = !number;
    made.dataset.control = name;
    steps.append(made);
    return made;
  };
  const [forward, back] = data.keys;
  const made = {
    [back]: step("before", "↑", data.previous, back),
    [forward]: step("after", "↓", data.next, forward),
  };

  // The buttons are replaced on each step: the focus stays on the one that was pressed.
  const focused = host.getRootNode().activeElement?.dataset?.control;
  host.replaceChildren(steps);
  if (focused) steps.querySelector(`[data-control="${focused}"]`)?.focus({ preventScroll: true });
  setTimeout(() => announce(parentElement, data.said), 50);
  if (!forward) return () => {};
  return listenToKeys("steps", (event) => {
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (made[event.key] && !made[event.key].disabled) {
      event.preventDefault();
      made[event.key].click();
    }
  });
}
