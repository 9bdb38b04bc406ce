// Makes elements without markup: what an attacker wrote can only ever become text.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name === "onclick" || name === "onchange") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function make(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function draw(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

export function byId(id) {
  return document.getElementById(id);
}

/** A table in its own scroller, which the keyboard can reach. `columns`: [heading, class]; cells: text or elements. */
export function table(caption, columns, rows) {
  const head = columns.map(([heading, kind]) => make("th", { scope: "col", class: kind || null }, heading));
  const body = rows.map((cells) => make("tr", {}, cells.map((cell, place) => {
    const attributes = { class: columns[place][1] || null };
    if (place === 0) attributes.scope = "row";
    return make(place === 0 ? "th" : "td", attributes, cell);
  })));
  return make("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": caption },
    make("table", {}, make("caption", { class: "visually-hidden" }, caption),
      make("thead", {}, make("tr", {}, head)), make("tbody", {}, body)));
}

export function emptyState(title, what, command) {
  return make("div", { class: "empty" }, make("strong", {}, title), make("span", {}, what),
    command ? make("span", {}, " ", make("code", {}, command)) : null);
}

export function time(rfc3339, shown, exact) {
  return make("time", { datetime: rfc3339, title: exact, class: "time" }, shown);
}
