// What a check of accessibility can see by itself.
const nameOf = (element) =>
  element.getAttribute("aria-label") ||
  (element.getAttribute("aria-labelledby") && byId(element.getAttribute("aria-labelledby"))?.textContent) ||
  [...(element.labels ?? [])].map((label) => label.textContent).join("") ||
  element.getAttribute("alt") ||
  element.textContent;
const seen = (element) => element.checkVisibility();

if (typeof openComponent === "function") openComponent(1);
const controls = [...document.querySelectorAll("a, button, input, select, [tabindex='0'], dialog, img, canvas, [role=img]")];
const nameless = controls.filter((element) => element.tagName !== "svg" && !nameOf(element).trim());
note("nameless", nameless.map((element) => element.outerHTML.slice(0, 80)).join());
check("every control has a name", controls.length > 10 && nameless.length === 0);
check("every picture has a title", [...document.querySelectorAll("svg")].every((svg) => svg.querySelector("title")?.textContent));

const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter((heading) => !heading.closest("dialog")).map((heading) => Number(heading.tagName[1]));
check("one heading is the page's", levels.filter((level) => level === 1).length === 1 && levels[0] === 1);
check("no level of headings is skipped", levels.every((level, index) => index === 0 || level <= levels[index - 1] + 1));
for (const landmark of ["header", "nav[aria-label]", "main"])
  check(`one ${landmark}`, document.querySelectorAll(`body ${landmark}`).length === 1);
check("sections are named", [...document.querySelectorAll("main > section")].every((section) => nameOf(section)));
check("a link leads past the header", document.querySelector("a.skip").hash === "#main" && byId("main"));
check("the language is said", document.documentElement.lang === "en");
const identifiers = [...document.querySelectorAll("[id]")].map((element) => element.id);
check("identifiers are there once", new Set(identifiers).size === identifiers.length);
check("columns say that they are", [...document.querySelectorAll("thead th")].every((cell) => cell.scope === "col"));

/** A colour, whatever its notation, as red, green, blue. */
const channels = (colour) => {
  const context = new OffscreenCanvas(1, 1).getContext("2d");
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
/** Relative luminance and contrast ratio as the Web Content Accessibility Guidelines 2.2 define them. */
const luminance = (colour) => {
  const [red, green, blue] = channels(colour).map((channel) => channel / 255).map((share) => (share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => {
  const [dark, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
};
const backgroundOf = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor;
    if (!/rgba\(.*, 0\)|transparent/.test(colour)) return colour;
  }
  return "white";
};

for (const theme of ["light", "dark"]) {
  document.documentElement.dataset.theme = theme;
  const style = (name) => {
    const probe = document.createElement("p");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };
  for (const text of ["ink", "muted", "accent"])
    for (const paper of ["paper", "card", "raised"])
      check(`${text} on ${paper}, ${theme}`, contrast(style(text), style(paper)) >= 4.5);
  check(`edges of controls, ${theme}`, ["paper", "card"].every((paper) => contrast(style("edge"), style(paper)) >= 3));
  check(`themes differ: ${theme}`, contrast(style("paper"), theme === "light" ? "white" : "black") < 1.5);
  const texts = [...document.querySelectorAll("body *")].filter(
    (element) => !element.closest("svg, script, style, .skip") && seen(element) && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()),
  );
  const faint = texts.filter((element) => contrast(getComputedStyle(element).color, backgroundOf(element)) < 4.5);
  note(`faint, ${theme}`, faint.slice(0, 5).map((element) => element.outerHTML.slice(0, 80)).join());
  check(`every text has contrast, ${theme}`, texts.length > 40 && faint.length === 0);
}
