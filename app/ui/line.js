// A line of text.

export default function ({ data, parentElement }) {
  const text = element("p", "line", data.text);
  text.dir = "auto";
  parentElement.querySelector(".root").replaceChildren(text);
}
