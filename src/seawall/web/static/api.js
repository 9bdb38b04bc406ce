// Asks the node's API with the person's token, which stays in this tab.

const KEY = "seawall-token";

export class Refused extends Error {}

export class Problem extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export function token() {
  return sessionStorage.getItem(KEY);
}

export function keepToken(value) {
  sessionStorage.setItem(KEY, value);
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

function headers(language) {
  return { Authorization: `Bearer ${token() ?? ""}`, "Accept-Language": language };
}

const HOW = { cache: "no-store", credentials: "omit", redirect: "error" };

async function read(answer) {
  if (answer.status === 401) throw new Refused();
  const body = await answer.json();
  if (!answer.ok) throw new Problem(body.code, body.message);
  return body;
}

/** The JSON of one address under /api/v1; throws Refused without a valid token, Problem with the node's own sentence. */
export async function ask(path, language) {
  return read(await fetch(`/api/v1/${path}`, { ...HOW, headers: headers(language) }));
}

/** As `ask`, sending a JSON document. */
export async function send(path, body, language) {
  const head = { ...headers(language), "Content-Type": "application/json" };
  return read(await fetch(`/api/v1/${path}`, { ...HOW, method: "POST", headers: head, body: JSON.stringify(body) }));
}

/** Calls `onChange` for each server-sent event of one address until the stream ends or `signal` aborts it. */
export async function listen(path, language, onChange, signal) {
  const answer = await fetch(`/api/v1/${path}`, { ...HOW, headers: headers(language), signal });
  if (!answer.ok) {
    await read(answer);
    return;
  }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) if (event.includes("data:")) onChange();
  }
}
