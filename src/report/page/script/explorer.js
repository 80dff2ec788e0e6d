// The chosen replica, its tables, and the panel of one component.

const data = JSON.parse(document.getElementById("data").textContent);
const chooser = document.getElementById("replica");
const panel = document.getElementById("component");
let replica = data.shown;
let opened = null;
let ownColours = false;

/** A new element; texts among `children` stay texts. */
function element(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (name === "role") made.setAttribute(name, value);
    else made[name] = value;
  made.append(...children);
  return made;
}

/** A number in four digits, a text as it is. */
function formatted(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isNaN(value)) return "no number";
  if (Number.isInteger(value)) return String(value).replace("-", "−");
  const isSmall = Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6;
  return (isSmall ? value.toExponential(2) : String(Number(value.toPrecision(4)))).replace("-", "−").replace("e-", "e−");
}

/** Rows of table `name` of the chosen replica, as objects. */
function rowsOf(name) {
  const table = data.tables[name];
  const rows = table?.rows[replica] ?? [];
  return rows.map((row) => Object.fromEntries(table.columns.map((column, index) => [column, row[index]])));
}

// --- Replica -------------------------------------------------------------------------------------------------------

function chooseReplica(chosen) {
  replica = chosen;
  chooser.value = String(chosen);
  document.getElementById("chosen").textContent = data.notes[chosen] ?? "";
  for (const row of tables.replica_table?.rows ?? []) row.classList.toggle("chosen", Number(row.dataset.replica) === chosen);
  for (const name of ["components", "features"]) fillTable(name);
}

function fillTable(name) {
  const { columns, headings } = data.tables[name];
  const open = columns.indexOf("component");
  const rows = (data.tables[name].rows[replica] ?? []).map((values) => {
    const row = document.createElement("tr");
    values.forEach((value, index) => {
      const cell = document.createElement(index === 0 ? "th" : "td");
      if (index === 0) cell.scope = "row";
      cell.dataset.value = value ?? "";
      const text = formatted(value);
      cell.classList.toggle("long", text.length > LONG);
      cell.append(index === open && value !== null ? opener(value) : element("bdi", {}, text));
      row.append(cell);
    });
    return row;
  });
  tables[`${name}_table`].show(headings, rows);
}

function opener(component) {
  const button = element("button", { type: "button", className: "open", ariaLabel: `Open component ${component}` }, String(component));
  button.addEventListener("click", () => openComponent(component));
  return button;
}

// --- Component -----------------------------------------------------------------------------------------------------

function openComponent(component) {
  opened = component;
  document.getElementById("component-heading").textContent = `Component ${component} of replica ${replica}`;
  document.getElementById("component-body").replaceChildren(...componentParts(component));
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
}

/** Goes to the component that is `step` rows further in the table as it is seen. */
function openNeighbour(step) {
  const table = tables.components_table;
  const column = table.columns.indexOf("component");
  const components = [...table.body.rows].map((row) => Number(cellText(row.cells[column])));
  if (components.length === 0) return;
  const at = components.indexOf(opened);
  openComponent(components[(at + step + components.length) % components.length]);
}

function componentParts(component) {
  const isThis = (row) => row.component === component;
  const row = rowsOf("components").find(isThis);
  const part = (title, ...content) => element("section", {}, element("h3", {}, title), ...content);
  return [
    numbers(row),
    element(
      "div",
      { className: "columns-of-two" },
      part("Features it serves", served(component, row)),
      part("Inputs that activate it", activating(component)),
      ...together(component, part),
    ),
    part("Weights", ...weightMaps(component)),
    part("Singular values", spectra(component)),
  ];
}

function numbers(row) {
  if (!row) return element("p", { className: "notice" }, "components.csv holds nothing of this component.");
  const columns = Object.keys(row).filter((name) => name !== "component" && row[name] !== null);
  const fact = (name) => element("div", {}, element("dt", {}, name.replaceAll("_", " ")), element("dd", {}, formatted(row[name])));
  return element("dl", { className: "facts" }, ...columns.map(fact));
}

const nothing = (why) => element("p", { className: "note" }, why);

/** Bars as long as their values' share of the largest magnitude. */
function bars(entries, largest = Math.max(...entries.map(([, value]) => Math.abs(value)))) {
  const bar = ([name, value, note]) => {
    const length = element("span", {});
    length.style.width = `${largest > 0 ? (100 * Math.abs(value)) / largest : 0}%`;
    const text = note ? `${formatted(value)} ${note}` : formatted(value);
    return element(
      "li", {},
      element("span", {}, name), element("span", { className: "length", ariaHidden: "true" }, length), element("span", { className: "value" }, text),
    );
  };
  return element("ul", { className: "bars" }, ...entries.map(bar));
}

const MOST_BARS = 12;

/** The largest of `entries`, and how many others there are. */
function largestBars(entries, what) {
  const sorted = entries.toSorted((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
  const rest = sorted.length - MOST_BARS;
  const parts = [bars(sorted.slice(0, MOST_BARS))];
  if (rest > 0) parts.push(nothing(`and ${rest} ${what} with less, at most ${formatted(Math.abs(sorted[MOST_BARS][1]))}`));
  return element("div", {}, ...parts);
}

function served(component, row) {
  const serving = rowsOf("serving").filter((serves) => serves.component === component);
  if (serving.length > 0) return largestBars(serving.map((serves) => [`feature ${serves.feature}`, serves.weight]), "features");
  if (data.has.serving) return nothing("It serves none.");
  if (row?.matched_feature !== null && row?.matched_feature !== undefined) {
    const cosine = row.cosine === null ? "" : `, cosine ${formatted(row.cosine)}`;
    return nothing(`It is matched with feature ${row.matched_feature}${cosine}.`);
  }
  return nothing("It is matched with no feature.");
}

function activating(component) {
  if (!data.has.attributions) return nothing("The run's folder holds no attributions.csv; apd evaluate makes it.");
  if (!data.full.includes(replica)) return nothing(notInPage("attributions"));
  const rows = rowsOf("attributions").filter((row) => row.component === component && row.attribution !== null);
  if (rows.length === 0) return nothing("None: it is dead.");
  const entries = rows.map((row) => [`feature ${row.feature}`, row.attribution]);
  return element("div", {}, nothing("Root mean square of its attribution, in output units, with only that feature active."), largestBars(entries, "features"));
}

function spectra(component) {
  if (!data.full.includes(replica)) return nothing(notInPage("singular values"));
  const rows = rowsOf("ranks").filter((row) => row.component === component);
  if (rows.length === 0) return nothing("ranks.csv holds nothing of this component.");
  const values = (row) => Object.entries(row).filter(([name, value]) => name.startsWith("singular_value_") && typeof value === "number");
  const largest = Math.max(...rows.flatMap((row) => values(row).map(([, value]) => value)));
  const spectrum = (row) =>
    element(
      "div", {},
      element("h4", {}, element("bdi", {}, row.site)),
      bars(values(row).map(([name, value]) => [`σ ${name.replace("singular_value_", "")}`, value]), largest),
    );
  return element("div", { className: "columns-of-two" }, ...rows.map(spectrum));
}

/** The components whose activity is most correlated with this one's. */
function together(component, part) {
  const rows = rowsOf("coactivity").filter((row) => row.component === component || row.other === component);
  if (rows.length === 0) return [];
  const entries = rows.map((row) => [`component ${row.component === component ? row.other : row.component}`, row.correlation]);
  const strongest = entries.toSorted((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 5);
  return [part("Active together with", nothing("Correlation of activity over samples; below 0.05 left out."), bars(strongest, 1))];
}

const notInPage = (what) => `The ${what} of replica ${replica} are not in this page; apd report --replicas ${replica} puts them in.`;

/** The weights of the chosen replica; none if they are not in the page. Read when they are first needed. */
function weightsOf(chosen) {
  weightsOf.read ??= new Map();
  if (!weightsOf.read.has(chosen)) {
    const text = document.getElementById(`weights-${chosen}`)?.textContent;
    weightsOf.read.set(chosen, text ? JSON.parse(text) : null);
  }
  return weightsOf.read.get(chosen);
}

function weightMaps(component) {
  const weights = weightsOf(replica);
  if (!weights) return [nothing(data.full.includes(replica) ? "The run's folder holds none that can be read." : notInPage("weights"))];
  const stored = weights.components[component];
  if (!stored) return [nothing("Left out, for the page would be too large: it is dead or among the smallest. components.safetensors holds it.")];
  const map = (view, index) => {
    const target = weights.target && matrixOf(view, weights.target[index]);
    return heatMapPair(view, matrixOf(view, stored[index]), target, data.colours, ownColours);
  };
  const box = element("input", { type: "checkbox", checked: ownColours });
  const maps = element("div", {}, ...weights.views.map(map));
  box.addEventListener("change", () => {
    ownColours = box.checked;
    maps.replaceChildren(...weights.views.map(map));
  });
  return [
    nothing("Rounded to 255 levels of each matrix's largest weight. Point at a weight, or use the arrow keys on a map, to read it."),
    ...(weights.target ? [element("label", {}, box, " Full colour at the component's own largest weight instead of the target's")] : []),
    maps,
  ];
}

// --- What happens --------------------------------------------------------------------------------------------------

chooser.addEventListener("change", () => chooseReplica(Number(chooser.value)));
document.getElementById("close").addEventListener("click", () => panel.close());
document.getElementById("previous").addEventListener("click", () => openNeighbour(-1));
document.getElementById("next").addEventListener("click", () => openNeighbour(1));

// A replica's row chooses it.
for (const row of tables.replica_table?.rows ?? []) {
  const cell = row.cells[0];
  const number = Number(cellText(cell));
  row.dataset.replica = number;
  row.classList.toggle("lacking", data.notes[number] !== undefined);
  const button = element("button", { type: "button", className: "open", ariaLabel: `Choose replica ${number}` }, String(number));
  button.addEventListener("click", () => {
    chooseReplica(number);
    say(`Components and features are those of replica ${number}`);
  });
  cell.replaceChildren(button);
}

chooseReplica(replica);

// An address such as report.html#component-12 opens that component.
const [, asked] = /^#component-(\d+)$/.exec(location.hash) ?? [];
if (asked !== undefined) openComponent(Number(asked));
