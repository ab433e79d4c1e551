// Calls of the daemon's API. The browser sends the cookie of the login by itself; no secret is in reach of this page.
// Where the page lies the API lies below, also behind a proxy that gives both another path.
export const root = 'api/v1';

export class Problem extends Error {
  constructor(status, code, detail, key) {
    super(detail);
    this.status = status;
    this.code = code;
    this.key = key;
  }
}

export async function call(method, path, body, kind = 'json') {
  const options = { method, cache: 'no-store', headers: {} };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers['Content-Type'] = 'application/json';
  }
  let answer;
  try {
    answer = await fetch(root + path, options);
  } catch {
    throw new Problem(0, 'unreachable', 'the daemon does not answer');
  }
  if (answer.status === 401) {
    location.assign('login');
    // The page is on its way out.
    return new Promise(() => {});
  }
  if (answer.status === 204) return null;
  if (answer.ok && kind !== 'json') return answer[kind]();
  const value = await answer.json().catch(() => null);
  if (answer.ok) return value;
  throw new Problem(answer.status, value?.code ?? 'error', value?.detail ?? `the daemon answered ${answer.status}`, value?.key);
}

export const get = (path) => call('GET', path);
export const torrentPath = (id, rest = '') => `/torrents/${encodeURIComponent(id)}${rest}`;

// Actions on many at once; the first fault is thrown, with how many there were.
export async function batch(action, ids, more = {}) {
  const result = await call('POST', '/torrents/actions', { action, ids, ...more });
  if (result.failed.length > 0) {
    const others = result.failed.length - 1;
    throw new Problem(409, result.failed[0].code, result.failed[0].message + (others > 0 ? ` (and ${others} more)` : ''));
  }
  return result;
}

export const eventsAfter = (id) => new EventSource(`${root}/events?after=${id}`);
