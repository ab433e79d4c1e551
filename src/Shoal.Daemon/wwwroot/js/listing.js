// The list of torrents in the order that is wanted, kept up by what changes of it. It knows nothing of the page.
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

// Labels and the category, with a letter before them that says which.
const tagsOf = (t) => [...t.labels.map((label) => `l${label}`), ...(t.category ? [`c${t.category}`] : [])];

export class Listing {
  // By id.
  items = new Map();
  // Those that match, in order. Another array whenever something of it is another.
  rows = [];
  // How many each filter lets through, and how many have each tag.
  counts = Object.fromEntries(Object.keys(filters).map((key) => [key, 0]));
  tags = new Map();
  #sorted = [];
  #wish = { sort: 'name', descending: false, filter: 'all', tag: '', words: [] };

  // Of a wish what is left out stays: sort (a key of columns), descending, filter, tag, words (in small letters).
  choose(wish) {
    const { sort, descending } = this.#wish;
    this.#wish = { ...this.#wish, ...wish };
    if (sort !== this.#wish.sort || descending !== this.#wish.descending) this.#sorted.sort(this.#comparison());
    this.#show();
  }

  // All of them are others.
  replace(items) {
    this.items = new Map();
    this.#sorted = [];
    this.tags = new Map();
    for (const key in this.counts) this.counts[key] = 0;
    this.change(items, []);
  }

  // Few of many: sorts those alone, and puts them where they belong. Says whether that was anything.
  change(changed, removed) {
    const compare = this.#comparison();
    const next = new Map(removed.filter((id) => this.items.has(id)).map((id) => [id, null]));
    for (const t of changed) next.set(t.id, t);
    if (next.size === 0) return false;
    const come = [];
    for (const [id, t] of next) {
      const last = this.items.get(id);
      if (last) this.#count(last, -1);
      if (t) {
        this.#count(t, 1);
        this.items.set(id, t);
        if (last && compare(last, t) === 0) continue;
        come.push(t);
      } else {
        this.items.delete(id);
      }
      // It leaves its place.
      next.set(id, null);
    }
    const kept = [];
    for (const t of this.#sorted) {
      const now = next.get(t.id);
      if (now !== null) kept.push(now ?? t);
    }
    this.#sorted = merge(kept, come.sort(compare), compare);
    this.#show();
    return true;
  }

  // Whether it is one of the rows.
  shows(t) {
    const { filter, tag, words } = this.#wish;
    return (
      filters[filter][1](t) &&
      (tag === '' || (tag[0] === 'c' ? t.category === tag.slice(1) : t.labels.includes(tag.slice(1)))) &&
      words.every((word) => t.name.toLowerCase().includes(word) || t.id.startsWith(word) || t.labels.some((one) => one.toLowerCase().includes(word)))
    );
  }

  #show() {
    const { filter, tag, words } = this.#wish;
    this.rows = filter === 'all' && tag === '' && words.length === 0 ? [...this.#sorted] : this.#sorted.filter((t) => this.shows(t));
  }

  #count(t, by) {
    for (const key in filters) if (filters[key][1](t)) this.counts[key] += by;
    for (const tag of tagsOf(t)) {
      const left = (this.tags.get(tag) ?? 0) + by;
      if (left > 0) this.tags.set(tag, left);
      else this.tags.delete(tag);
    }
  }

  #comparison() {
    const { sort, descending } = this.#wish;
    const { of } = columns.find((one) => one.key === sort) ?? columns[0];
    const sign = descending ? -1 : 1;
    return (left, right) => {
      const [a, b] = [of(left), of(right)];
      const by = a === b ? 0 : typeof a === 'string' ? collator.compare(a, b) : a - b;
      return sign * by || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0);
    };
  }
}

// Both are in order.
function merge(many, few, compare) {
  if (few.length === 0) return many;
  const all = [];
  let at = 0;
  for (const one of few) {
    let [low, high] = [at, many.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(many[middle], one) < 0) low = middle + 1;
      else high = middle;
    }
    while (at < low) all.push(many[at++]);
    all.push(one);
  }
  while (at < many.length) all.push(many[at++]);
  return all;
}
