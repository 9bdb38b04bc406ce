// The page's parts: figures, events, exchange; the warnings are in desk.js. Each takes what the API gave and fills its place.
import { eventsChart, gather } from "/static/chart.js";
import { byId, emptyState, make, table, time } from "/static/dom.js";
import { exactMoment, moment, number } from "/static/format.js";
import { sectorName, text } from "/static/text.js";

const chosen = { side: "", measure: "count" };

export function shownMoment(rfc3339) {
  return time(rfc3339, moment(rfc3339), exactMoment(rfc3339));
}

export function showFigures(status) {
  const figures = [
    ["eventsHeld", status.events], ["indicators", status.indicators], ["sightings", status.sightings],
    ["warnings", status.warnings], ["quarantined", status.quarantined, status.quarantined > 0],
  ];
  byId("figures").replaceChildren(...figures.map(([key, value, attention]) =>
    make("div", { class: attention ? "attention" : null }, make("dt", {}, text(key)), make("dd", {}, number(value)))));
  const sentences = [
    status.last_ingest ? text("lastIngest", { time: moment(status.last_ingest) }) : text("neverIngested"),
    status.last_match ? text("lastMatch", { time: moment(status.last_match) }) : "",
    text("updatedAt", { time: moment(new Date().toISOString()) }),
  ];
  byId("updated").replaceChildren(sentences.filter(Boolean).join(" "));
}

export function switchOf(label, options, current, choose) {
  return make("div", { class: "switch", role: "group", "aria-label": label }, options.map(([value, shown]) =>
    make("button", { type: "button", "aria-pressed": String(value === current), onclick: () => choose(value) }, shown)));
}

export function showEvents(items) {
  const place = byId("events");
  const choices = byId("events-choices");
  choices.hidden = items.length === 0;
  byId("events-range").replaceChildren();
  if (items.length === 0) {
    place.replaceChildren(emptyState(text("noEvents"), text("noEventsWhat"), "seawall ingest eve.json"));
    return;
  }
  const sides = [...new Set(items.map((item) => item.side))].sort();
  if (!sides.includes(chosen.side)) chosen.side = "";
  const measures = [["count", text("allEvents")], ["hostile", text("hostileEvents")]];
  const choose = (name) => (value) => {
    chosen[name] = value;
    showEvents(items);
    [...choices.querySelectorAll("[aria-pressed=true]")].at(name === "measure" ? 0 : -1)?.focus();
  };
  choices.replaceChildren(switchOf(text("shown"), measures, chosen.measure, choose("measure")),
    sides.length < 2 ? "" : switchOf(text("side"), [["", text("allSides")], ...sides.map((side) => [side, side])],
      chosen.side, choose("side")));
  const grid = gather(items, chosen.side, chosen.measure);
  byId("events-range").replaceChildren(
    text("eventsRange", { from: moment(grid.hours[0]), to: moment(grid.hours.at(-1)) }));
  place.replaceChildren(eventsChart(grid, chosen.measure === "hostile"));
}

const STATES = { verified: "good", pending: "care", suspended: "care", severed: "bad" };

export function showPeers(peers) {
  const place = byId("peers");
  if (peers.length === 0) {
    place.replaceChildren(emptyState(text("noPeers"), text("noPeersWhat"), "seawall peers card"));
    return;
  }
  const columns = [[text("peer")], [text("state")], [text("circles")], [text("lastSync")], [text("received"), "number"],
    [text("sent"), "number"], [text("withheld"), "number"]];
  place.replaceChildren(table(text("peers"), columns, peers.map((peer) => [
    [make("span", {}, peer.code_name), make("span", { class: "minor" }, peer.name)],
    make("span", { class: `badge ${STATES[peer.state] ?? ""}` }, peer.state in STATES ? text(peer.state) : peer.state),
    peer.circles.join(", ") || "–",
    [peer.last_sync ? shownMoment(peer.last_sync) : text("never"),
      peer.problem ? make("span", { class: "minor early" }, peer.problem) : null],
    number(peer.received), number(peer.sent), number(peer.withheld),
  ])));
}

export function showCircles(circles) {
  const place = byId("circles");
  if (circles.length === 0) {
    place.replaceChildren();
    return;
  }
  const columns = [[text("circle")], [text("state")], [text("members")], [text("ceiling")], [text("standing"), "number"]];
  place.replaceChildren(make("h3", {}, text("circles")), table(text("circles"), columns, circles.map((circle) => [
    circle.name,
    make("span", { class: `badge ${circle.agreed ? "good" : "care"}` }, text(circle.agreed ? "agreed" : "notAgreed")),
    circle.members.join(", ") || "–",
    `${circle.tlp_floor} – ${circle.tlp_ceiling}`,
    number(circle.standing),
  ])));
}

export function showLedger(head) {
  byId("ledger").replaceChildren(text("ledger", { size: number(head.size), root: head.root }));
}

export function showAbout(about, zone) {
  byId("node-name").replaceChildren(`${about.name} · ${about.economy}`);
  byId("about").replaceChildren(
    text("about", { id: about.node_id, fingerprint: about.fingerprint, version: about.version, zone }));
  document.title = `${about.name} · Seawall`;
}
