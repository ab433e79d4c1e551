// The list as the daemon has it: read whole once, then only what changed since a revision, when an event says so.
import { get, eventsAfter } from './api.js';
import { Listing } from './listing.js';
import { useState, useEffect } from './view.js';

// Of the list in one answer: more would hold up the page while it is read.
const page = 2000;
const historySeconds = 600;
const logLines = 500;
// What of it is another since the last frame, and who wants to know.
const news = new Set();
const listeners = new Set();

// Once a frame, however often something was told.
function tellAll() {
  const topics = [...news];
  news.clear();
  for (const [topic, listener] of listeners) if (topics.includes(topic)) listener();
}

export const store = {
  list: new Listing(),
  revision: 0,
  status: null,
  online: true,
  ready: false,
  // Seconds, bytes a second down, bytes a second up.
  history: [[], [], []],
  notices: [],
  // The newest last: { id, at, text, isProblem }.
  log: [],

  // A topic is list, status, notices or log.
  subscribe(topic, listener) {
    const entry = [topic, listener];
    listeners.add(entry);
    return () => listeners.delete(entry);
  },

  tell(topic) {
    if (news.size === 0) requestAnimationFrame(tellAll);
    news.add(topic);
  },

  notice(text, isProblem = false) {
    const notice = { text, isProblem, id: ++noticeId };
    this.notices = [...this.notices.slice(-3), notice];
    this.tell('notices');
    setTimeout(() => this.dismiss(notice.id), isProblem ? 12000 : 5000);
  },

  dismiss(id) {
    this.notices = this.notices.filter((other) => other.id !== id);
    this.tell('notices');
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

// Draws a part of the page again when something of a topic is another.
export function useStore(...topics) {
  const [, set] = useState(0);
  useEffect(() => {
    const ends = topics.map((topic) => store.subscribe(topic, () => set((n) => n + 1)));
    return () => ends.forEach((end) => end());
  }, []);
}

function apply(answer) {
  if (answer.full) store.list.replace(answer.items);
  else if (!store.list.change(answer.items, answer.removed)) return;
  store.tell('list');
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
  store.list.replace([...items.values()]);
  // What changed between the pages comes again.
  store.revision = first;
  store.ready = true;
  store.tell('list');
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
        const answer = await get(`/torrents?since=${store.revision}`);
        store.revision = answer.revision;
        apply(answer);
        await readStatus();
        store.online = true;
        store.tell('status');
      }
    } catch (problem) {
      store.online = problem.status !== 0;
      if (store.online) store.notice(problem.message, true);
      store.tell('status');
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
  store.tell('log');
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
    store.tell('status');
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
