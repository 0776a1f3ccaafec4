// Figures of two indexes side by side.

function figures({ data, parentElement }) {
  const host = parentElement.querySelector(".root");
  const words = (key) => say(data.strings, key);
  const table = element("table", "figures");
  const head = element("tr");
  for (const [name, when] of [["figure", ""], ["now", data.now], ["before", data.before], ["change", ""]]) {
    const cell = element("th", "", words(name));
    cell.scope = "col";
    if (when) cell.append(element("small", "", when));
    head.append(cell);
  }
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  for (const row of data.rows) {
    const line = element("tr");
    const name = element("th", "", row.name);
    name.scope = "row";
    name.append(element("small", "", `${row.help} · ${row.over}`));
    const change = element("td", row.better > 0 ? "better" : row.better < 0 ? "worse" : "", row.change);
    line.append(name, element("td", "value", row.now), element("td", "", row.before), change);
    body.append(line);
  }
  table.append(top, body);
  host.replaceChildren(table);
}
