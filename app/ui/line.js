// A line of text.

function line({ data, parentElement }) {
  const text = element("p", "line", data.text);
  text.dir = "auto";
  parentElement.querySelector(".root").replaceChildren(text);
}
