// The one place that speaks with the control API. Addresses count from this file, not from the
// page, so that a proxy in front changes nothing.
const BASE = new URL("../../api/", import.meta.url);

export class ApiError extends Error {}

async function refusal(response) {
  const answer = await response.json().catch(() => ({}));
  return new ApiError(answer.error ?? `${response.status}`);
}

export async function call(method, path, body) {
  const options = { method };
  if (body instanceof FormData) {
    options.body = body;
  } else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  let response;
  try {
    response = await fetch(new URL(path, BASE), options);
  } catch {
    throw new ApiError("");
  }
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.json();
}

export const act = (phone, action, body = {}) =>
  call("POST", `phones/${encodeURIComponent(phone.id)}/${action}`, body);

/**
 * Follow the events, for ever. Each time the line is (re)established the whole state is read
 * again, because events may have been missed; events that arrive meanwhile wait for it.
 */
export function follow({ onState, onEvent, onLost }) {
  let wait = 1000;
  function connect() {
    const source = new EventSource(new URL("events", BASE));
    let held = [];
    function again() {
      source.close();
      onLost();
      setTimeout(connect, wait);
      wait = Math.min(wait * 2, 10000);
    }
    source.onmessage = ({ data }) => {
      const event = JSON.parse(data);
      if (held) held.push(event);
      else onEvent(event);
    };
    source.onerror = again;
    source.onopen = async () => {
      try {
        await onState(await call("GET", "state"));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        again();
        return;
      }
      wait = 1000;
      const missed = held;
      held = null;
      missed.forEach(onEvent);
    };
  }
  connect();
}
