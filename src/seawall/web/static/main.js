// The order of things: language and theme, sign in, ask the node, show; ask again when it says so, and each minute.
import { Problem, Refused, ask, forgetToken, keepToken, listen, send, token } from "/static/api.js";
import { chosenState, showDesk, showSaid } from "/static/desk.js";
import { byId, make } from "/static/dom.js";
import { setZone } from "/static/format.js";
import { showOrders } from "/static/orders.js";
import { showAbout, showCircles, showEvents, showFigures, showLedger, showPeers } from "/static/parts.js";
import { LANGUAGES, language, setLanguage, text } from "/static/text.js";

const EVERY_MILLISECONDS = 60_000;
const WARNINGS_A_PAGE = 50;
const LANGUAGE_KEY = "seawall-language";
const THEME_KEY = "seawall-theme";

let shown = null; // the last answers, so that another language needs no question
let timer = 0;
let unreachable = false; // whether the last question failed
let listening = null; // the controller of the stream that says when to look again
let visit = {}; // the sign-in that holds now, or being signed out: another object each time

/** What arrives after the sign-in under which it was asked has ended; nobody is shown it, nor told of it. */
class Left extends Error {}

/** What `question` answers, or its error, if the same person is still signed in by then; else Left. */
async function stillHere(question) {
  const mine = visit;
  try {
    const answer = await question;
    if (mine === visit) return answer;
  } catch (error) {
    if (mine === visit) throw error;
  }
  throw new Left();
}

function sentenceOf(error) {
  return error instanceof Problem ? `${error.message} (${error.code})` : text("unreachable");
}

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
  visit = {};
  clearTimeout(timer);
  listening?.abort();
  listening = null;
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
  showDesk(shown.desk, chooseState, answer, moreWarnings);
  showOrders(shown.orders, shown.book, moreOrders);
  showEvents(shown.events);
  showPeers(shown.peers);
  showCircles(shown.circles);
  showLedger(shown.ledger);
}

function deskPath(after) {
  return `desk?state=${chosenState.value}&limit=${WARNINGS_A_PAGE}&after=${after}`;
}

function ordersPath(after) {
  return `orders?limit=${WARNINGS_A_PAGE}&after=${after}`;
}

/** Adds the next page of a list under `name`, unless the list was asked for anew meanwhile. */
async function more(name, path) {
  const before = shown[name];
  try {
    const page = await stillHere(ask(path(before.next), language()));
    if (shown[name] !== before) return;
    shown[name] = { ...page, items: [...before.items, ...page.items] };
    render();
  } catch (error) {
    if (error instanceof Refused) refresh();
    else if (!(error instanceof Left)) byId("problem").textContent = sentenceOf(error);
  }
}

const moreOrders = () => more("orders", ordersPath);
const moreWarnings = () => more("desk", deskPath);

async function chooseState(state) {
  const mine = visit;
  chosenState.value = state;
  await refresh();
  if (mine === visit) byId("desk-states").querySelector("[aria-pressed=true]").focus();
}

async function answer(act, document) {
  const mine = visit;
  byId("problem").textContent = "";
  try {
    const done = await stillHere(send(`desk/${act}`, document, language()));
    await refresh();
    if (mine === visit) showSaid(done);
  } catch (error) {
    if (error instanceof Refused) refresh();
    else if (!(error instanceof Left)) byId("problem").textContent = sentenceOf(error);
  }
}

async function follow() {
  if (listening !== null) return;
  const mine = new AbortController();
  listening = mine;
  try {
    await listen("desk/changes", language(), () => { if (listening === mine) refresh(); }, mine.signal);
  } catch { /* the timer goes on asking */ }
  if (listening === mine) listening = null;
}

async function load() {
  const parts = ["about", "status", deskPath(0), "events", "peers", "circles", "ledger/head",
    ordersPath(0), "orders/summary"];
  const [about, status, desk, events, peers, circles, ledger, orders, book] =
    await Promise.all(parts.map((part) => stillHere(ask(part, language()))));
  const before = shown && JSON.stringify({ ...shown, status: null });
  shown = {
    about, status, ledger, desk, orders, book, events: events.items, peers: peers.items, circles: circles.items,
  };
  if (unreachable) byId("problem").textContent = ""; // what was said of an answer stays until the next one
  unreachable = false;
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
    if (error instanceof Left) return;
    if (error instanceof Refused) {
      const tried = token() !== null;
      forgetToken();
      showLogin(tried ? text("tokenWrong") : "");
      return;
    }
    const sentence = sentenceOf(error);
    unreachable = true;
    if (shown === null) showLogin(sentence);
    else byId("problem").textContent = sentence;
  }
  if (token() === null) return;
  timer = setTimeout(refresh, EVERY_MILLISECONDS);
  follow();
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
    visit = {};
    keepToken(byId("token").value.trim());
    refresh();
  });
  if (token() === null) showLogin("");
  else refresh();
}

start();
