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

/** The JSON of one address under /api/v1; throws Refused without a valid token, Problem with the node's own sentence. */
export async function ask(path, language) {
  const headers = { Authorization: `Bearer ${token() ?? ""}`, "Accept-Language": language };
  const answer = await fetch(`/api/v1/${path}`, { headers, cache: "no-store", credentials: "omit", redirect: "error" });
  if (answer.status === 401) throw new Refused();
  const body = await answer.json();
  if (!answer.ok) throw new Problem(body.code, body.message);
  return body;
}
