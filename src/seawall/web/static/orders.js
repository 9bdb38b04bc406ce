// Enforcement: the points with their agents, and what stands in the order book. Read only: what people do to the book
// they do at the command line, where a second person can stand beside them.
import { byId, emptyState, make, table } from "/static/dom.js";
import { number } from "/static/format.js";
import { shownMoment } from "/static/parts.js";
import { text } from "/static/text.js";

const EFFECTS = { block: "bad", sinkhole: "bad", "rate-limit": "bad", alert: "care", watch: "care", none: "" };

function agent(point) {
  if (!point.heard_at) return make("span", { class: "minor" }, text("agentSilent"));
  const drift = point.drift ? point.drift.missing + point.drift.unexpected : 0;
  const said = [text("agentHolds", { count: number(point.held ?? 0) })];
  if (point.behind > 0) said.push(text("agentBehind", { count: number(point.behind) }));
  if (drift > 0) said.push(text("agentDrift", { count: number(drift) }));
  return [shownMoment(point.heard_at), make("span", { class: "minor" }, said.join(" ")),
    point.trouble ? make("span", { class: "minor early" }, point.trouble) : null];
}

function pointsTable(points) {
  const columns = [[text("point")], [text("zone")], [text("tools")], [text("agent")]];
  return table(text("points"), columns, points.map((point) => [
    [make("span", {}, point.name), point.killed_by ? make("span", { class: "badge bad" }, text("killed")) : null],
    point.zone, point.tools.join(", ") || "–", agent(point),
  ]));
}

function where(order) {
  if (order.points.length === 0) return "–";
  return order.points.map((found) => make("span", { class: `badge ${EFFECTS[found.effect] ?? ""}`, title: found.why },
    `${found.point}: ${text(`effect_${found.effect}`)}`));
}

function row(order) {
  const name = text(`order_${order.state}`);
  return [
    [make("span", {}, order.value), make("span", { class: "minor" }, order.type)],
    [make("span", {}, name), make("span", { class: "minor" }, text(`effect_${order.action}`)),
      make("span", { class: "minor" }, order.why)],
    where(order),
    [shownMoment(order.since), make("span", { class: "minor" }, text("byRelease", { release: order.release.slice(0, 14) }))],
    shownMoment(order.expires_at),
    [number(order.hits), order.last_hit ? make("span", { class: "minor" }, shownMoment(order.last_hit)) : null],
    make("code", {}, `seawall protect undo ${order.undo}`),
  ];
}

/** Shows one page of the book beside its summary; `more` brings the next page. */
export function showOrders(page, summary, more) {
  const place = byId("orders");
  byId("orders-killed").textContent = summary.killed ? text("allKilled", { by: summary.killed.by }) : "";
  byId("points").replaceChildren(summary.points.length === 0
    ? emptyState(text("noPoints"), text("noPointsWhat"), "seawall points add edge --zone internet-edge --tools nftables")
    : pointsTable(summary.points));
  if (page.items.length === 0) {
    place.replaceChildren(emptyState(text("noOrders"), text("noOrdersWhat"), "seawall protect apply"));
    return;
  }
  const columns = [[text("value"), "value"], [text("state")], [text("where")], [text("since")], [text("expires")],
    [text("hits"), "number"], [text("undo")]];
  place.replaceChildren(table(text("enforcement"), columns, page.items.map((order) => row(order))),
    page.next === null ? "" : make("button", { type: "button", class: "quiet more", onclick: more }, text("showMore")));
}
