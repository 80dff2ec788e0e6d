// Weight matrices as heat maps. Weights are whole numbers from -127 to 127, times their matrix's largest / 127; -128 is
// no number.

/** The matrix of `view` (its axes) that `stored` holds. */
function matrixOf(view, stored) {
  const bytes = Uint8Array.from(atob(stored.weights), (letter) => letter.charCodeAt(0));
  const levels = new Int8Array(bytes.buffer);
  const { largest } = stored;
  const at = (row, column) => {
    const level = levels[row * view.columns.count + column];
    return level === -128 ? NaN : (level / 127) * largest;
  };
  return { view, largest, at };
}

/** The colour of a share of the largest: one end for -1, white for 0, the other end for 1. */
function colourOf(share, colours) {
  if (Number.isNaN(share)) return colours.none;
  const end = share < 0 ? colours.negative : colours.positive;
  const strength = Math.min(Math.abs(share), 1);
  return end.map((channel) => Math.round(255 + (channel - 255) * strength));
}

/** Draws `matrix` with one pixel a weight, which the style sheet makes larger; `limit` has the full colour. */
function drawHeatMap(canvas, matrix, limit, colours) {
  const { rows, columns } = matrix.view;
  canvas.width = columns.count;
  canvas.height = rows.count;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns.count, rows.count);
  for (let row = 0; row < rows.count; row++)
    for (let column = 0; column < columns.count; column++) {
      const colour = colourOf(limit > 0 ? matrix.at(row, column) / limit : 0, colours);
      image.data.set([...colour, 255], 4 * (row * columns.count + column));
    }
  context.putImageData(image, 0, 0);
}

const nameOnAxis = (axis, index) => axis.names?.[index] ?? `${axis.name} ${index}`;

const axisInWords = (axis) => axis.names?.join(", ") ?? `${axis.name} 0 to ${axis.count - 1}`;

/** Where the largest weight is, in words. */
function largestInWords(matrix) {
  const { rows, columns } = matrix.view;
  let best = { value: 0, row: 0, column: 0 };
  for (let row = 0; row < rows.count; row++)
    for (let column = 0; column < columns.count; column++) {
      const value = matrix.at(row, column);
      if (Math.abs(value) > Math.abs(best.value)) best = { value, row, column };
    }
  return best.value === 0
    ? "all weights are zero"
    : `largest: ${formatted(best.value)} at ${nameOnAxis(columns, best.column)}, ${nameOnAxis(rows, best.row)}`;
}

/**
 * A component's matrix beside the target's, both in the same colours. The pointer, or the arrow keys, choose a weight,
 * whose number is written below.
 */
function heatMapPair(view, component, target, colours, ownColours) {
  const figure = element("figure", { className: "map" }, element("h4", {}, view.title));
  const limit = ownColours || !target ? component.largest : target.largest;
  const output = element("output", { ariaLive: "polite" });
  const pair = element("div", { className: "pair" });
  const maps = [["component", component], ["target", target]].filter(([, matrix]) => matrix);
  let [row, column] = [0, 0];
  const read = () => {
    const values = maps.map(([name, matrix]) => `${name} ${formatted(matrix.at(row, column))}`);
    output.textContent = `${nameOnAxis(view.columns, column)}, ${nameOnAxis(view.rows, row)}: ${values.join(", ")}`;
  };
  const moveTo = (newRow, newColumn) => {
    row = Math.min(Math.max(newRow, 0), view.rows.count - 1);
    column = Math.min(Math.max(newColumn, 0), view.columns.count - 1);
    read();
  };
  for (const [name, matrix] of maps) {
    const canvas = element("canvas", { tabIndex: 0, role: "img", ariaLabel: `${view.title}, ${name}: ${largestInWords(matrix)}` });
    canvas.style.maxWidth = `${24 * view.columns.count}px`;
    drawHeatMap(canvas, matrix, limit, colours);
    canvas.addEventListener("pointermove", (event) => {
      const area = canvas.getBoundingClientRect();
      const share = (at, from, length) => (at - from) / length;
      moveTo(
        Math.floor(share(event.clientY, area.top, area.height) * view.rows.count),
        Math.floor(share(event.clientX, area.left, area.width) * view.columns.count),
      );
    });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      moveTo(row + step[0], column + step[1]);
    });
    canvas.addEventListener("focus", read);
    pair.append(element("div", {}, element("p", {}, `${name}; ${largestInWords(matrix)}`), canvas));
  }
  const { rows, columns } = view;
  const axes = `Across: ${axisInWords(columns)}. Down: ${axisInWords(rows)}.`;
  figure.append(pair, element("p", {}, axes), colourBar(limit, colours), output);
  return figure;
}

function colourBar(limit, colours) {
  const css = (colour) => `rgb(${colour.join(" ")})`;
  const gradient = element("span", {});
  gradient.style.background = `linear-gradient(to right, ${css(colours.negative)}, #fff, ${css(colours.positive)})`;
  return element(
    "div",
    { className: "colours", role: "img", ariaLabel: `Colours from ${formatted(-limit)} to ${formatted(limit)}` },
    element("span", {}, formatted(-limit)), gradient, element("span", {}, formatted(limit)),
  );
}
