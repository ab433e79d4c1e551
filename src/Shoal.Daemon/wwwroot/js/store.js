// The list as the daemon has it: read whole once, then only what changed since a revision, when an event says so.
import { get, eventsAfter } from './api.js';

const page = 5000;
const historySeconds = 600;
const logLines = 500;
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

export const columns = [
  { key: 'name', title: 'Name', of: (t) => t.name },
  { key: 'size', title: 'Size', of: (t) => t.size },
  { key: 'progress', title: 'Progress', of: (t) => t.progress },
  { key: 'state', title: 'State', of: (t) => t.state },
  { key: 'downloadRate', title: 'Down', of: (t) => t.downloadRate },
  { key: 'uploadRate', title: 'Up', of: (t) => t.uploadRate },
  { key: 'secondsLeft', title: 'Left', of: (t) => t.secondsLeft ?? Infinity },
  { key: 'peers', title: 'Peers', of: (t) => t.peers },
  { key: 'ratio', title: 'Ratio', of: (t) => t.ratio },
  { key: 'addedAt', title: 'Added', of: (t) => t.addedAt },
];

export const filters = {
  all: ['All', () => true],
  downloading: ['Downloading', (t) => t.state === 'downloading' || t.state === 'metadata'],
  seeding: ['Seeding', (t) => t.state === 'seeding'],
  active: ['Active', (t) => t.downloadRate + t.uploadRate > 0],
  paused: ['Paused', (t) => t.state === 'paused'],
  queued: ['Queued', (t) => t.state === 'queued'],
  checking: ['Checking', (t) => t.state === 'checking' || t.state === 'loading'],
  failed: ['Failed', (t) => t.state === 'failed'],
};

const listeners = new Set();

export const store = {
  items: new Map(),
  revision: 0,
  status: null,
  online: true,
  ready: false,
  // Seconds, bytes a second down, bytes a second up.
  history: [[], [], []],
  notices: [],
  // The newest last: { id, at, text, isProblem }.
  log: [],

  subscribe(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },

  tell() {
    for (const listener of listeners) listener();
  },

  notice(text, isProblem = false) {
    const notice = { text, isProblem, id: ++noticeId };
    this.notices = [...this.notices.slice(-3), notice];
    this.tell();
    setTimeout(() => this.dismiss(notice.id), isProblem ? 12000 : 5000);
  },

  dismiss(id) {
    this.notices = this.notices.filter((other) => other.id !== id);
    this.tell();
  },

  // Runs what may fail, and says so where it does.
  async attempt(work, done) {
    try {
      const value = await work();
      if (done) this.notice(done);
      refresh();
      return value ?? true;
    } catch (problem) {
      this.notice(problem.message, true);
      return false;
    }
  },
};

let noticeId = 0;
let refreshing = null;
let again = false;
let order = [];

// Those that match, in order. It begins with the former order, so that little is left to sort.
export function select(sort, descending, matches) {
  const { items } = store;
  const column = columns.find((one) => one.key === sort) ?? columns[0];
  const known = new Set(order);
  const all = order.filter((id) => items.has(id)).map((id) => items.get(id));
  for (const [id, item] of items) if (!known.has(id)) all.push(item);
  const sign = descending ? -1 : 1;
  all.sort((left, right) => {
    const [a, b] = [column.of(left), column.of(right)];
    const by = typeof a === 'string' ? collator.compare(a, b) : a - b || 0;
    return sign * by || (left.id < right.id ? -1 : 1);
  });
  order = all.map((item) => item.id);
  return all.filter(matches);
}

function apply(answer) {
  if (answer.full) store.items = new Map();
  for (const id of answer.removed) store.items.delete(id);
  for (const item of answer.items) store.items.set(item.id, item);
  store.revision = answer.revision;
}

async function readAll() {
  const items = new Map();
  let first = null;
  for (let offset = 0; ; ) {
    const answer = await get(`/torrents?offset=${offset}&limit=${page}`);
    first ??= answer.revision;
    for (const item of answer.items) items.set(item.id, item);
    offset += answer.items.length;
    if (answer.items.length === 0 || offset >= answer.total) break;
  }
  store.items = items;
  // What changed between the pages comes again.
  store.revision = first;
  store.ready = true;
}

async function readStatus() {
  const status = await get('/status');
  store.status = status;
  const now = Date.now() / 1000;
  const [times, down, up] = store.history;
  times.push(now);
  down.push(status.downloadRate);
  up.push(status.uploadRate);
  while (times[0] < now - historySeconds) for (const row of store.history) row.shift();
}

// One at a time; who asks meanwhile is served by one more.
export function refresh() {
  again = true;
  refreshing ??= (async () => {
    try {
      while (again) {
        again = false;
        if (!store.ready) await readAll();
        apply(await get(`/torrents?since=${store.revision}`));
        await readStatus();
        store.online = true;
        store.tell();
      }
    } catch (problem) {
      store.online = problem.status !== 0;
      if (store.online) store.notice(problem.message, true);
      store.tell();
    } finally {
      refreshing = null;
    }
  })();
  return refreshing;
}

// What each kind of event says in the log, and whether it is shown at once.
const told = {
  'torrent-added': (event) => [`Added: ${event.name}`],
  'torrent-removed': (event) => [`Removed: ${event.name}`],
  'torrent-state': () => [],
  'torrent-metadata': (event) => [`Its files are known: ${event.name}`],
  'torrent-completed': (event) => [`Complete: ${event.name}`, 'show'],
  'torrent-failed': (event) => [`${event.name}: ${event.message ?? 'failed'}`, 'problem'],
  'torrent-moved': (event) => [`Moved: ${event.name}`, 'show'],
  'files-renamed': (event) => [`Renamed: ${event.name}`],
  'settings-changed': () => ['Settings were changed'],
  // Trackers fail all the time: the log is the place for that.
  warning: (event) => [event.name && !event.message.includes(event.name) ? `${event.name}: ${event.message}` : event.message, event.code === 'tracker-failed' ? 'trouble' : 'problem'],
};

function hear(event, isOld) {
  const [text, weight] = told[event.kind](event);
  if (!text) return;
  const isProblem = weight === 'problem' || weight === 'trouble';
  store.log = [...store.log.slice(-logLines), { id: event.id, at: event.at, text, isProblem }];
  if (!isOld && (weight === 'show' || weight === 'problem')) store.notice(text, isProblem);
}

function listen() {
  const seen = store.log.at(-1)?.id ?? 0;
  const last = store.status?.lastEvent ?? 0;
  // What happened before the page was opened is told in the log only.
  const source = eventsAfter(Math.max(seen, last - logLines, 0));
  source.onopen = () => refresh();
  source.onerror = () => {
    store.online = false;
    store.tell();
    // A stream that was refused is not tried again by the browser: a call finds out why.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => refresh().then(listen), 3000);
  };
  source.addEventListener('changed', () => refresh());
  source.addEventListener('reset', () => {
    store.ready = false;
    refresh();
  });
  for (const kind of Object.keys(told)) {
    source.addEventListener(kind, (message) => {
      const event = JSON.parse(message.data);
      hear(event, event.id <= last);
      refresh();
    });
  }
}

export async function start() {
  await refresh();
  listen();
  // Rates fall to zero without an event, and the graph goes on.
  setInterval(() => document.hidden || refresh(), 2000);
}
