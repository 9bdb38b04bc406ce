// Numbers, moments and durations as the chosen language writes them, in the node's own time zone.
import { language, text } from "/static/text.js";

let zone = "UTC";

export function setZone(name) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone = name;
  } catch {
    zone = "UTC";
  }
  return zone;
}

export function number(value) {
  return new Intl.NumberFormat(language()).format(value);
}

export function moment(rfc3339) {
  const options = { timeZone: zone, month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false };
  return new Intl.DateTimeFormat(language(), options).format(new Date(rfc3339));
}

export function exactMoment(rfc3339) {
  return `${rfc3339} (UTC)`;
}

export function hourOfDay(rfc3339) {
  const options = { timeZone: zone, hour: "2-digit", hour12: false };
  const parts = new Intl.DateTimeFormat("en-GB", options).formatToParts(new Date(rfc3339));
  return parts.find((part) => part.type === "hour").value;
}

/** The two largest units of a duration: "5 h 2 min". */
export function duration(seconds) {
  const whole = Math.round(seconds);
  const units = [
    ["days", Math.floor(whole / 86400)],
    ["hours", Math.floor(whole / 3600) % 24],
    ["minutes", Math.floor(whole / 60) % 60],
    ["seconds", whole % 60],
  ];
  const first = units.findIndex(([, n]) => n > 0);
  if (first < 0) return text("seconds", { n: 0 });
  return units.slice(first, first + 2).filter(([, n]) => n > 0).map(([unit, n]) => text(unit, { n })).join(" ");
}
