// The order of things: language and theme, sign in, ask the node, show, ask again each minute.
import { Problem, Refused, ask, forgetToken, keepToken, token } from "/static/api.js";
import { byId, make } from "/static/dom.js";
import { setZone } from "/static/format.js";
import { showAbout, showCircles, showEvents, showFigures, showLedger, showPeers, showWarnings } from "/static/parts.js";
import { LANGUAGES, language, setLanguage, text } from "/static/text.js";

const EVERY_MILLISECONDS = 60_000;
const WARNINGS_A_PAGE = 50;
const LANGUAGE_KEY = "seawall-language";
const THEME_KEY = "seawall-theme";

let shown = null; // the last answers, so that another language needs no question
let timer = 0;

function remembered(key) {
  try { return localStorage.getItem(key); } catch { return null; }
}

function remember(key, value) {
  try { localStorage.setItem(key, value); } catch { /* a browser that keeps nothing still works */ }
}

function sayAll() {
  document.documentElement.lang = language();
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  byId("tools").setAttribute("aria-label", text("language"));
  byId("theme").textContent = text("theme");
  byId("languages").replaceChildren(...Object.entries(LANGUAGES).map(([tag, name]) => make("button", {
    type: "button", lang: tag, "aria-pressed": String(tag === language()), onclick: () => chooseLanguage(tag),
  }, name)));
}

function chooseLanguage(tag) {
  remember(LANGUAGE_KEY, setLanguage([tag]));
  sayAll();
  if (shown) render();
  byId("languages").querySelector("[aria-pressed=true]").focus();
}

function chooseTheme() {
  const dark = document.documentElement.dataset.theme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  remember(THEME_KEY, document.documentElement.dataset.theme);
}

function showLogin(problem) {
  clearTimeout(timer);
  shown = null;
  byId("view").hidden = true;
  byId("sign-out").hidden = true;
  byId("login").hidden = false;
  byId("login-error").textContent = problem;
  byId("token").value = "";
  byId("token").focus();
}

function render() {
  const zone = setZone(shown.about.timezone);
  showAbout(shown.about, zone);
  showFigures(shown.status);
  showWarnings(shown.warnings, shown.warningsNext, moreWarnings);
  showEvents(shown.events);
  showPeers(shown.peers);
  showCircles(shown.circles);
  showLedger(shown.ledger);
}

async function moreWarnings() {
  const page = await ask(`warnings?limit=${WARNINGS_A_PAGE}&after=${shown.warningsNext}`, language());
  shown.warnings.push(...page.items);
  shown.warningsNext = page.next;
  render();
}

async function load() {
  const parts = ["about", "status", `warnings?limit=${WARNINGS_A_PAGE}`, "events", "peers", "circles", "ledger/head"];
  const [about, status, warnings, events, peers, circles, ledger] =
    await Promise.all(parts.map((part) => ask(part, language())));
  const before = shown && JSON.stringify({ ...shown, status: null });
  shown = {
    about, status, ledger, warnings: warnings.items, warningsNext: warnings.next,
    events: events.items, peers: peers.items, circles: circles.items,
  };
  byId("problem").textContent = "";
  const entering = !byId("login").hidden;
  byId("login").hidden = true;
  byId("view").hidden = false;
  byId("sign-out").hidden = false;
  // nothing new: leave the reader's place, focus and selection alone
  if (before === JSON.stringify({ ...shown, status: null })) showFigures(shown.status);
  else render();
  if (entering) byId("content").focus(); // where the reader goes on after signing in
}

async function refresh() {
  clearTimeout(timer);
  try {
    await load();
  } catch (error) {
    if (error instanceof Refused) {
      const tried = token() !== null;
      forgetToken();
      showLogin(tried ? text("tokenWrong") : "");
      return;
    }
    const sentence = error instanceof Problem ? `${error.message} (${error.code})` : text("unreachable");
    if (shown === null) showLogin(sentence);
    else byId("problem").textContent = sentence;
  }
  if (token() !== null) timer = setTimeout(refresh, EVERY_MILLISECONDS);
}

function start() {
  const asked = new URLSearchParams(location.search).get("lang");
  setLanguage([asked, remembered(LANGUAGE_KEY), ...navigator.languages].filter(Boolean));
  const theme = remembered(THEME_KEY);
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  sayAll();
  byId("theme").addEventListener("click", chooseTheme);
  byId("sign-out").addEventListener("click", () => { forgetToken(); showLogin(""); });
  byId("login-form").addEventListener("submit", (event) => {
    event.preventDefault();
    keepToken(byId("token").value.trim());
    refresh();
  });
  if (token() === null) showLogin("");
  else refresh();
}

start();
