// Events by sector and hour: a grid of cells with a total bar for each row, and the same figures as a table.
import { draw, make, table } from "/static/dom.js";
import { hourOfDay, moment, number } from "/static/format.js";
import { sectorName, text } from "/static/text.js";

const CELL = 30;
const GAP = 3;
const ROW = 30;
const NAMES = 150;
const TOTALS = 170;
let tableOpen = false; // stays as the reader left it when the figures are drawn again
const LEGEND = 34;
const STEPS = 6; // shades; eyes do not tell more apart

/** Sum what the API gave to {hours, sectors, at(sector, hour), total(sector)} for one side and one measure. */
export function gather(items, side, measure) {
  const chosen = items.filter((item) => side === "" || item.side === side);
  const hours = [...new Set(chosen.map((item) => item.hour))].sort();
  const counts = new Map();
  const totals = new Map();
  for (const item of chosen) {
    const key = `${item.sector}\n${item.hour}`;
    counts.set(key, (counts.get(key) ?? 0) + item[measure]);
    totals.set(item.sector, (totals.get(item.sector) ?? 0) + item[measure]);
  }
  const sectors = [...totals.keys()].sort((a, b) => totals.get(b) - totals.get(a) || a.localeCompare(b));
  return {
    hours, sectors,
    at: (sector, hour) => counts.get(`${sector}\n${hour}`) ?? 0,
    total: (sector) => totals.get(sector),
    most: Math.max(0, ...counts.values()),
  };
}

/** The drawing and its table. */
export function eventsChart(grid, hostile) {
  const width = NAMES + grid.hours.length * (CELL + GAP) + TOTALS;
  const height = ROW + grid.sectors.length * (ROW + GAP) + LEGEND;
  const picture = draw("svg", {
    class: hostile ? "chart hostile" : "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary(grid),
  });
  picture.append(...grid.hours.map((hour, column) => draw("text", {
    x: NAMES + column * (CELL + GAP) + CELL / 2, y: 18, "text-anchor": "middle",
  }, hourOfDay(hour))));
  const largest = Math.max(1, ...grid.sectors.map(grid.total));
  grid.sectors.forEach((sector, row) => picture.append(...drawRow(grid, sector, ROW + row * (ROW + GAP), width, largest)));
  picture.append(...legend(grid, height - 16));
  const scroller = make("div", { class: "scroller", tabindex: "0", role: "region", "aria-label": text("events") }, picture);
  const details = make("details", { open: tableOpen }, make("summary", {}, text("asTable")), figures(grid));
  details.addEventListener("toggle", () => { tableOpen = details.open; });
  return make("div", {}, scroller, details);
}

function drawRow(grid, sector, y, width, largest) {
  const middle = y + ROW / 2 + 5;
  const cells = grid.hours.map((hour, column) => {
    const count = grid.at(sector, hour);
    const label = text("cellLabel", { sector: sectorName(sector), hour: moment(hour), count: number(count) });
    return draw("rect", {
      class: count ? "cell" : "cell none", x: NAMES + column * (CELL + GAP), y, width: CELL, height: ROW, rx: 4,
      "fill-opacity": count ? shade(count, grid.most) : 1,
    }, draw("title", {}, label));
  });
  const left = NAMES + grid.hours.length * (CELL + GAP) + 12;
  const length = Math.max(1, (grid.total(sector) / largest) * 70);
  return [
    draw("text", { class: "sector", x: NAMES - 12, y: middle, "text-anchor": "end" }, sectorName(sector)),
    ...cells,
    draw("rect", { class: "bar", x: left, y: y + ROW / 2 - 4, width: length, height: 8, rx: 2 }),
    draw("text", { x: width, y: middle, "text-anchor": "end" }, number(grid.total(sector))),
  ];
}

function legend(grid, y) {
  const swatches = Array.from({ length: STEPS }, (_, step) => draw("rect", {
    class: "cell", x: NAMES + 18 + step * 21, y, width: 18, height: 12, rx: 2, "fill-opacity": shade(step + 1, STEPS),
  }));
  return [draw("text", { x: NAMES, y: y + 11 }, "0"), ...swatches,
    draw("text", { x: NAMES + 26 + STEPS * 21, y: y + 11 }, number(grid.most))];
}

function shade(count, most) {
  const step = Math.ceil((count / most) * STEPS);
  return (0.1 + 0.9 * (step / STEPS)).toFixed(2);
}

function summary(grid) {
  let best = { sector: grid.sectors[0], hour: grid.hours[0], peak: -1 };
  let count = 0;
  for (const sector of grid.sectors) {
    for (const hour of grid.hours) {
      const here = grid.at(sector, hour);
      count += here;
      if (here > best.peak) best = { sector, hour, peak: here };
    }
  }
  return text("chartLabel", {
    count: number(count), sectors: grid.sectors.length, hours: grid.hours.length,
    sector: sectorName(best.sector), hour: moment(best.hour), peak: number(best.peak),
  });
}

function figures(grid) {
  const columns = [[text("sector")], ...grid.hours.map((hour) => [hourOfDay(hour), "number"]), [text("total"), "number"]];
  const rows = grid.sectors.map((sector) => [
    sectorName(sector), ...grid.hours.map((hour) => number(grid.at(sector, hour))), number(grid.total(sector)),
  ]);
  return table(text("events"), columns, rows);
}
