// Numbers as people read them. Bytes in powers of 1,000, as the daemon's command line has them.
const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

export function bytes(value) {
  if (value == null) return '';
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

// For fields: read again by parseBytes it is the same number, so that saving what nobody changed changes nothing.
export function exactBytes(value) {
  for (const [step, names] of [[1000, units], [1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']]]) {
    let [left, unit] = [value, 0];
    while (left > 0 && left % step === 0 && unit < 4) {
      left /= step;
      unit++;
    }
    if (unit > 0) return `${left} ${names[unit]}`;
  }
  return `${value} B`;
}

export const rate = (value) => (value > 0 ? `${bytes(value)}/s` : '');
// Never 100 before the end.
export const percent = (share) => `${(Math.floor(share * 1000) / 10).toFixed(share >= 1 ? 0 : 1)} %`;
export const ratio = (value) => (Number.isFinite(value) ? value.toFixed(2) : '∞');

export function span(seconds) {
  if (seconds == null) return '';
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export const many = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

const dates = new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'medium' });
export const date = (seconds) => (seconds == null ? '' : dates.format(seconds * 1000));

// "500 kB", "1.5MiB", "2000000", "5 Mbit/s": bytes, or null where it is none of these. Empty is 0.
export function parseBytes(text) {
  const match = /^\s*(\d+(?:\.\d+)?)\s*(?:([kmgt])(i)?)?(b|bit)?(?:\/s)?\s*$/i.exec(text);
  if (!match) return text.trim() === '' ? 0 : null;
  const power = match[2] ? ' kmgt'.indexOf(match[2].toLowerCase()) : 0;
  const value = Number(match[1]) * (match[3] ? 1024 : 1000) ** power;
  return Math.round(match[4]?.toLowerCase() === 'bit' ? value / 8 : value);
}

export const states = {
  loading: 'Loading',
  metadata: 'Fetching details',
  checking: 'Checking',
  downloading: 'Downloading',
  seeding: 'Seeding',
  queued: 'Queued',
  paused: 'Paused',
  failed: 'Failed',
};
