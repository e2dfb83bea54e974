// Requests to the service, and their failures in words.
import { askForKey, keyHeaders, savedKey } from "./key.js";

export class Trouble extends Error {
  constructor(message, status = 0, code = "") {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A successful response. Raises Trouble, whose message is a sentence for the person. */
export async function request(path, { method = "GET", body, accept, query, signal } = {}) {
  const parameters = new URLSearchParams(query);
  const address = parameters.size ? `${path}?${parameters}` : path;
  for (;;) {
    const key = savedKey();
    const headers = { ...keyHeaders(), ...(accept ? { Accept: accept } : {}) };
    let response;
    try {
      response = await fetch(address, { method, body, headers, signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Trouble(
        "The server does not answer. Check that it is running and that you are connected, then try again.",
      );
    }
    if (response.ok) return response;
    if (response.status !== 401) throw await trouble(response);
    if (!(await askForKey(key))) throw new Trouble("This service answers only with an API key.", 401, "unauthorized");
  }
}

export async function requestJson(path, options = {}) {
  const response = await request(path, { accept: "application/json", ...options });
  if (!isJson(response)) throw await trouble(response);
  return response.json();
}

/** Uploads one file as a form. */
export function upload(path, file, options = {}) {
  const body = new FormData();
  body.append("file", file, file.name);
  return request(path, { method: "POST", body, ...options });
}

export const isJson = (response) => /[/+]json\b/.test(response.headers.get("content-type") ?? "");

async function trouble(response) {
  const { status } = response;
  if (!isJson(response)) {
    if (status === 413) return new Trouble("The file is too large for a server between this page and Mien.", status);
    const answered = response.ok ? "" : ` (it says ${status} ${response.statusText})`.replace(" )", ")");
    return new Trouble(
      `Something between this page and Mien answered in its place${answered}. Try again in a moment; ` +
        "if that does not help, tell the operator of this service.",
      status,
    );
  }
  const problem = await response.json();
  const later = response.headers.get("retry-after");
  const advice = later && /^\d+$/.test(later) ? ` Try again in ${later} s.` : "";
  return new Trouble(
    `${problem.detail ?? problem.title ?? `The server answered ${status}.`}${advice}`,
    status,
    problem.code,
  );
}

/** What an error says to a person; nothing for a request that this page has cancelled. */
export function told(error) {
  if (error.name === "AbortError") return "";
  if (error instanceof Trouble) return error.message;
  console.error(error);
  return "This page failed. Reload it and try again.";
}
