// A heading whose words come from a document: Streamlit's own headings are Markdown.

export default function ({ data, parentElement }) {
  const heading = element("h1", "", data.text);
  heading.dir = "auto";
  parentElement.querySelector(".root").replaceChildren(heading);
}
