// The desk: warnings in one state, the most urgent first, with what the person on duty can say about each.
import { byId, emptyState, make, table } from "/static/dom.js";
import { duration, number } from "/static/format.js";
import { shownMoment, switchOf } from "/static/parts.js";
import { sectorName, text } from "/static/text.js";

const STATES = ["open", "held", "snoozed", "answered", "all"];
const DAY_MILLISECONDS = 86_400_000;

/** The state whose list is shown. */
export const chosenState = { value: "open" };

function otherSide(warning) {
  return warning.other_first_seen
    ? [shownMoment(warning.other_first_seen), make("span", { class: "minor" }, warning.other_side ?? "")]
    : make("span", { class: "early" }, text("notYet"));
}

function lead(warning) {
  if (warning.usable_lead_seconds === null || warning.usable_lead_seconds === undefined) return "–";
  return [
    make("span", { class: "lead" }, duration(warning.usable_lead_seconds)),
    make("span", { class: "minor" }, text("rawLead", { duration: duration(warning.raw_lead_seconds ?? 0) })),
  ];
}

function groupName(warning, sizes) {
  const group = warning.group ?? "";
  if (group.startsWith("value:") || group === "") return null;
  const name = group.startsWith("label:") ? group.slice("label:".length) : text("campaignOf");
  return make("span", { class: "minor" }, text("groupOf", { name, count: number(sizes.get(group)) }));
}

function button(key, warning, act) {
  return make("button", {
    type: "button", class: "quiet", "aria-label": `${text(key)}: ${warning.value}`, onclick: act,
  }, text(key));
}

function actions(warning, answer) {
  if (warning.state === "answered" || warning.state === "snoozed") {
    const said = warning.state === "answered" ? text(warning.answer) : text("asleepUntil");
    const moment = warning.state === "snoozed" ? shownMoment(warning.snoozed_until) : "";
    return [make("span", { class: "minor" }, said, " ", moment),
      button("undo", warning, () => answer("undo", { value: warning.value }))];
  }
  const until = () => new Date(Date.now() + DAY_MILLISECONDS).toISOString();
  return make("div", { class: "actions" },
    button("confirm", warning, () => answer("answer", { value: warning.value, verdict: "confirmed" })),
    button("refute", warning, () => answer("answer", { value: warning.value, verdict: "refuted" })),
    button("snooze", warning, () => answer("snooze", { value: warning.value, until: until() })));
}

function row(warning, sizes, answer) {
  const level = warning.severity ?? "info";
  return [
    [make("span", {}, warning.value), make("span", { class: "minor" }, warning.type), groupName(warning, sizes)],
    make("span", { class: `severity ${level}` }, text(level)),
    [shownMoment(warning.first_seen), make("span", { class: "minor" }, warning.first_side)],
    otherSide(warning), lead(warning),
    warning.sectors.map(sectorName).join(" → "),
    number(warning.confidence),
    actions(warning, answer),
  ];
}

function budgetSentence(desk) {
  const said = [desk.budget_per_day === 0 ? text("noBudget", { raised: number(desk.raised_today) })
    : text("budget", { raised: number(desk.raised_today), budget: number(desk.budget_per_day) })];
  if (desk.below_budget > 0) said.push(text("belowBudget", { count: number(desk.below_budget) }));
  if (desk.false_alarm_interval) {
    const [low, high] = desk.false_alarm_interval.map((share) => number(Math.round(share * 100)));
    said.push(text("falseAlarms", { refuted: number(desk.refuted), answers: number(desk.answers), low, high }));
  }
  return said.join(" ");
}

/** Shows one page of the desk; `choose` takes a state, `answer` an act and its document, `more` brings the next page. */
export function showDesk(page, choose, answer, more) {
  byId("desk-states").replaceChildren(switchOf(text("warnings"), STATES.map((state) => [state, text(`state_${state}`)]),
    chosenState.value, choose));
  byId("desk-budget").textContent = budgetSentence(page.desk);
  const place = byId("warnings");
  if (page.items.length === 0) {
    const first = chosenState.value === "open" || chosenState.value === "all";
    place.replaceChildren(emptyState(first ? text("noWarnings") : text("noneHere"),
      first ? text("noWarningsWhat") : text("noneHereWhat"), first ? "seawall match" : null));
    return;
  }
  const sizes = new Map();
  for (const { group } of page.items) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const columns = [
    [text("value"), "value"], [text("severity")], [text("firstSeen")], [text("otherSeen")], [text("lead")],
    [text("sectors")], [text("confidence"), "number"], [text("yourAnswer")],
  ];
  place.replaceChildren(table(text("warnings"), columns, page.items.map((warning) => row(warning, sizes, answer))),
    page.next === null ? "" : make("button", { type: "button", class: "quiet more", onclick: more }, text("showMore")));
}

/** Says what became of an answer; the reader's focus goes there, because the row it came from may be gone. */
export function showSaid(done) {
  const said = byId("desk-said");
  const ways = (done.goes_back ?? []).map((way) => [way.peer, way.text].filter(Boolean).join(": "));
  const what = done.answer ? text(done.answer) : done.snoozed_until ? text("asleepUntil") : text("takenBack");
  const until = done.snoozed_until ? [" ", shownMoment(done.snoozed_until)] : [];
  said.replaceChildren(`${done.value}: ${what}`, ...until, " ", ways.join(" "));
  said.focus();
}
