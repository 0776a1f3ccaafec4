// Questions to pick from. Not Streamlit's buttons, whose labels are Markdown. Event: "pick".

function suggestions({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector(".root");
  host.classList.add("suggestions");
  host.setAttribute("role", "group");
  host.setAttribute("aria-label", say(data.strings, "label"));
  host.replaceChildren(
    ...questionButtons(data.questions, (question) => setTriggerValue("pick", question)),
  );
}
