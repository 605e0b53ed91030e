/** The serving API: JSON answers and the alert stream. A key, where one is asked, stays in this tab. */

const KEY = 'millrace.serving-key';
const TIMEOUT_MS = 5000;
const KEY_FAULTS = {
  MR_SERVING_KEY_MISSING: 'This server asks for a key.',
  MR_SERVING_KEY_INVALID: 'The server does not know this key.',
};

/** `kind`: `key` (missing or wrong), `unreachable`, or `refused` with the server's message. */
export class ApiError extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

export function rememberKey(key) {
  sessionStorage.setItem(KEY, key);
}

function headers(extra = {}) {
  const key = sessionStorage.getItem(KEY);
  return key === null ? extra : { ...extra, authorization: `Bearer ${key}` };
}

async function request(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new ApiError('unreachable', 'The server does not answer.');
  }
  if (response.ok) return response;
  const { code, message } = await errorOf(response);
  const keyFault = KEY_FAULTS[code];
  throw keyFault === undefined ? new ApiError('refused', message) : new ApiError('key', keyFault);
}

/** Every error answer is `{ error: { code, message } }`; a proxy in between may answer something else. */
async function errorOf(response) {
  const unknown = { code: '', message: `The server answered ${response.status}.` };
  try {
    return (await response.json()).error ?? unknown;
  } catch {
    return unknown;
  }
}

/** The JSON of an answer. @throws ApiError */
export async function getJson(path) {
  const response = await request(path, { headers: headers(), signal: AbortSignal.timeout(TIMEOUT_MS) });
  try {
    return await response.json();
  } catch {
    throw new ApiError('unreachable', 'The answer of the server broke off.');
  }
}

/**
 * Reads server-sent events (WHATWG HTML, section 9.2) for ever, coming back after a loss with Last-Event-ID. Uses fetch,
 * since EventSource cannot send a key.
 */
export async function readEvents(path, { onEvent, onState }) {
  let lastEventId = '';
  for (;;) {
    try {
      const extra = lastEventId === '' ? {} : { 'last-event-id': lastEventId };
      const response = await request(path, { headers: headers({ accept: 'text/event-stream', ...extra }) });
      onState('open');
      for await (const event of parseEvents(response.body)) {
        if (event.id !== '') lastEventId = event.id;
        onEvent(event);
      }
      onState('lost');
    } catch (error) {
      onState(error instanceof ApiError ? error.kind : 'lost');
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

async function* parseEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (buffer + value).split('\n\n');
    buffer = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event.data !== '') yield event;
    }
  }
}

function parseBlock(block) {
  const event = { id: '', event: 'message', data: '' };
  for (const line of block.split('\n')) {
    const colon = line.indexOf(':');
    const field = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') event.data += event.data === '' ? value : `\n${value}`;
    else if (field === 'id' || field === 'event') event[field] = value;
  }
  return event;
}
