// The page's sentences: one dictionary a language (text-*.js), with the same keys in each (a test compares them).
// Words follow docs/glossary.md.
import en from "/static/text-en.js";
import ko from "/static/text-ko.js";
import zhHant from "/static/text-zh-hant.js";

export const LANGUAGES = { en: "English", "zh-Hant": "繁體中文", ko: "한국어" };

const DICTIONARIES = { en, "zh-Hant": zhHant, ko };
let current = "en";

export function language() {
  return current;
}

/** Take the first of the wanted tags that we speak; English otherwise. */
export function setLanguage(wanted) {
  for (const tag of wanted) {
    const prefix = String(tag).toLowerCase().split("-")[0];
    const found = { en: "en", zh: "zh-Hant", ko: "ko" }[prefix];
    if (found) { current = found; return current; }
  }
  current = "en";
  return current;
}

/** The sentence for a key, its {named} places filled. */
export function text(key, values = {}) {
  return DICTIONARIES[current][key].replace(/\{(\w+)\}/g, (place, name) => (name in values ? String(values[name]) : place));
}

/** A sector's name, or its own word when we have none. */
export function sectorName(sector) {
  const names = DICTIONARIES[current].sectorNames;
  return Object.hasOwn(names, sector) ? names[sector] : sector;
}

export { DICTIONARIES };
