// Tables that sort by their headings, filter by a text box, and can be copied.

/** Says `text` to those who see and those who hear, for a moment. */
function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (said.textContent = ""), 3000);
}

/** Puts `text` on the clipboard; the older way is for browsers that keep the newer one from files. */
async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  say(`Copied ${what}`);
}

/** Texts longer than this are written on several lines. */
const LONG = 40;

/** What a cell holds, as exactly as the page knows it. */
const cellText = (cell) => cell.dataset.value ?? cell.textContent.trim();

/** The number that `text` begins with; none if it does not begin with one. */
function numberIn(text) {
  const plain = text.replace("−", "-");
  if (/^[-+]?inf/i.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  const number = Number.parseFloat(plain);
  return Number.isNaN(number) ? undefined : number;
}

const isEmpty = (text) => text === "" || text === "–" || text === "NaN";

class DataTable {
  /** `box`: the element around a table and its tools. */
  constructor(box) {
    this.box = box;
    this.head = box.querySelector("thead tr");
    this.body = box.querySelector("tbody");
    this.filter = box.querySelector("input[type=search]");
    this.sorted = null;
    this.rows = [...this.body.rows];
    this.filter.addEventListener("input", () => this.arrange());
    for (const button of box.querySelectorAll("[data-copy]"))
      button.addEventListener("click", () => this.copy(button.dataset.copy));
    this.makeHeadings([...this.head.cells].map((cell) => ({ name: cell.textContent.trim(), label: cell.textContent.trim() })));
    this.arrange();
  }

  /** `columns`: their names, for filters and copies, their labels, for readers, and perhaps explanations. */
  makeHeadings(columns) {
    this.columns = columns.map((column) => column.name);
    this.labels = columns.map((column) => column.label);
    this.head.replaceChildren(
      ...columns.map((column, index) => {
        const cell = document.createElement("th");
        cell.scope = "col";
        cell.setAttribute("aria-sort", "none");
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = column.label;
        if (column.meaning) button.title = column.meaning;
        button.addEventListener("click", () => this.sortBy(index));
        cell.append(button);
        return cell;
      }),
    );
  }

  /** Other rows, and where they are others, columns. The order and the filter stay. */
  show(columns, rows) {
    if (columns.map((column) => column.label).join() !== this.labels.join()) {
      this.makeHeadings(columns);
      this.sorted = null;
    }
    this.rows = rows;
    this.arrange();
  }

  /** The first click sorts upwards, the next one downwards. */
  sortBy(index) {
    const downwards = this.sorted?.index === index && !this.sorted.downwards;
    this.sorted = { index, downwards };
    [...this.head.cells].forEach((cell, at) =>
      cell.setAttribute("aria-sort", at !== index ? "none" : downwards ? "descending" : "ascending"),
    );
    this.arrange();
  }

  /** The rows that pass the filter, in their order. */
  arrange() {
    const conditions = this.filter.value.split(/\s+/).filter(Boolean).map((word) => this.condition(word));
    let rows = this.rows.filter((row) => conditions.every((holds) => holds(row)));
    if (this.sorted) rows = this.inOrder(rows, this.sorted);
    this.body.replaceChildren(...rows);
    // So few rows need no filter.
    this.filter.parentElement.hidden = this.rows.length < 5 && this.filter.value === "";
    const count = this.box.querySelector(".count");
    const all = this.rows.length === 1 ? "1 row" : `${this.rows.length} rows`;
    count.textContent = rows.length === this.rows.length ? all : `${rows.length} of ${all}`;
  }

  inOrder(rows, { index, downwards }) {
    const sign = downwards ? -1 : 1;
    const keyed = rows.map((row) => ({ row, text: cellText(row.cells[index]) }));
    const isNumeric = keyed.every(({ text }) => isEmpty(text) || numberIn(text) !== undefined);
    keyed.sort((a, b) => {
      // What is empty comes last both ways.
      if (isEmpty(a.text) || isEmpty(b.text)) return isEmpty(a.text) - isEmpty(b.text);
      if (!isNumeric) return sign * a.text.localeCompare(b.text, "en", { numeric: true });
      const [first, second] = [numberIn(a.text), numberIn(b.text)];
      return first === second ? 0 : sign * (first < second ? -1 : 1);
    });
    return keyed.map(({ row }) => row);
  }

  /** A word that a row must hold, or such as `cosine<0.9`, of the first column whose name begins so. */
  condition(word) {
    const [, name, relation, right] = /^([^<>=]+)(<=|>=|<|>|=)(.+)$/.exec(word) ?? [];
    const wanted = name?.toLowerCase();
    const exact = this.columns.findIndex((column) => column.toLowerCase() === wanted);
    const index = exact >= 0 || !name ? exact : this.columns.findIndex((column) => column.toLowerCase().startsWith(wanted));
    if (index < 0) return (row) => row.textContent.toLowerCase().includes(word.toLowerCase());
    return (row) => {
      const text = cellText(row.cells[index]);
      const [a, b] = [numberIn(text), numberIn(right)];
      if (relation === "=") return b === undefined ? text.toLowerCase() === right.toLowerCase() : a === b;
      if (a === undefined || b === undefined) return false;
      return { "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b }[relation];
    };
  }

  /** The rows that are seen, as text with `separator` between cells. */
  text(separator) {
    const quoted = (cell) => (/["\n\r]/.test(cell) || cell.includes(separator) ? `"${cell.replaceAll('"', '""')}"` : cell);
    const rows = [...this.body.rows].map((row) => [...row.cells].map(cellText));
    return [this.columns, ...rows].map((row) => row.map(quoted).join(separator) + "\n").join("");
  }

  copy(separator) {
    return copy(this.text(separator), this.box.querySelector(".count").textContent);
  }
}

const tables = Object.fromEntries([...document.querySelectorAll(".table")].map((box) => [box.id, new DataTable(box)]));

for (const button of document.querySelectorAll("[data-copy-text]"))
  button.addEventListener("click", () => copy(document.getElementById(button.dataset.copyText).textContent, "the text"));
