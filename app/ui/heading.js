// A heading whose words come from a document: Streamlit's own headings are Markdown.

function heading({ data, parentElement }) {
  const heading = element("h1", "", data.text);
  heading.dir = "auto";
  parentElement.querySelector(".root").replaceChildren(heading);
}
