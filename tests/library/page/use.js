// What a reader does with the page of five components and twelve replicas, of which replica 0 is in the page in full.
const rowsOfTable = (id) => [...byId(id).querySelectorAll("tbody tr")];
const column = (id, index) => rowsOfTable(id).map((row) => row.cells[index].textContent);
const heading = (id, index) => byId(id).querySelectorAll("thead th")[index];
const press = (element, key) => element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));

// Replicas.
check("the shown replica is chosen at first", byId("replica").value === "0");
byId("replica").value = "2";
byId("replica").dispatchEvent(new Event("change"));
check("a replica that is chosen has its row marked", document.querySelector("tr.chosen").dataset.replica === "2");
check("its components are in the table", rowsOfTable("components_table").length === 5);
check("its numbers are in the table", column("components_table", 1).every((text) => text === "0.05"));
openComponent(3);
check("the weights of others are said to be missing", byId("component-body").textContent.includes("apd report --replicas 2"));
byId("close").click();
check("the panel closes", !byId("component").open);
document.querySelector('#replica_table [aria-label="Choose replica 0"]').click();
check("a row of the table of replicas chooses it", byId("replica").value === "0");

// Sorting.
const button = heading("replica_table", 5).querySelector("button");
button.focus();
check("a heading takes the focus", document.activeElement === button);
button.click();
const upwards = column("replica_table", 5).map(Number);
check("a heading sorts upwards", upwards.every((value, index) => index === 0 || upwards[index - 1] <= value));
check("and says so", heading("replica_table", 5).getAttribute("aria-sort") === "ascending");
button.click();
const downwards = column("replica_table", 5).map(Number);
check("and downwards", downwards.every((value, index) => index === 0 || downwards[index - 1] >= value));
check("and says so again", heading("replica_table", 5).getAttribute("aria-sort") === "descending");
check("numbers sort as numbers", (() => {
  heading("replica_table", 0).querySelector("button").click();
  return column("replica_table", 0).join() === "0,1,2,3,4,5,6,7,8,9,10,11";
})());

// Filtering.
const filter = (id, text) => {
  const box = byId(id).querySelector("input[type=search]");
  box.value = text;
  box.dispatchEvent(new Event("input"));
};
filter("replica_table", "no");
check("a word filters", rowsOfTable("replica_table").length === 4);
check("and the count says so", byId("replica_table").querySelector(".count").textContent === "4 of 12 rows");
filter("replica_table", "MMCS>0.99 replica<=4");
check("conditions filter", column("replica_table", 0).join() === "0,1,3,4");

// Copying.
check("what is seen can be copied", tables.replica_table.text(",").split("\n").length === 1 + 4 + 1);
check("with its header", tables.replica_table.text("\t").startsWith("replica\tseed\tfaithful"));
byId("replica_table").querySelector("[data-copy]").click();
await pause();
check("and the page says that it was", byId("said").textContent === "Copied 4 of 12 rows");
filter("replica_table", "");
check("an empty filter shows all", rowsOfTable("replica_table").length === 12);

// A component.
document.querySelector('#components_table [aria-label="Open component 1"]').click();
const panelText = () => byId("component-body").textContent;
check("a component opens", byId("component").open && byId("component-heading").textContent === "Component 1 of replica 0");
check("the focus is in the panel", byId("component").contains(document.activeElement));
check("its numbers are there", panelText().includes("activation frequency"));
check("the features it serves are there", panelText().includes("feature 30.97"));
check("what activates it is there, the largest first", /feature 40\.411feature 30\.311/.test(panelText()));
check("its spectrum is there", panelText().includes("σ 2"));
const canvases = [...byId("component-body").querySelectorAll("canvas")];
check("its weights are drawn beside the target's", canvases.length === 2);
check("one pixel a weight", canvases[0].width === 5 && canvases[0].height === 2);
const pixels = canvases[1].getContext("2d").getImageData(0, 0, 5, 2).data;
check("in colours", new Set(pixels).size > 3);
canvases[0].focus();
press(canvases[0], "ArrowRight");
press(canvases[0], "ArrowDown");
const said = byId("component-body").querySelector("output").textContent;
check("arrow keys read a weight", /^feature 1, hidden dimension 1: component .+, target .+$/.test(said));
const white = (canvas) => canvas.getContext("2d").getImageData(0, 0, 5, 2).data.join();
const before = white(byId("component-body").querySelector("canvas"));
byId("component-body").querySelector("input[type=checkbox]").click();
check("its own colours can be chosen", white(byId("component-body").querySelector("canvas")) !== before);
byId("next").click();
check("the next one is the table's next", byId("component-heading").textContent.startsWith("Component 2 "));
openComponent(0);
check("what is active together is there", panelText().includes("component 10.61") && !panelText().includes("component 20.01"));
byId("close").click();

// Colours.
const paper = () => getComputedStyle(document.body).backgroundColor;
const light = paper();
byId("theme").click();
check("the switch darkens the page", paper() !== light && byId("theme").getAttribute("aria-pressed") === "true");
byId("theme").click();
check("and lightens it", paper() === light);
