// When in a week the alternative limits hold.
import { html, useState } from './view.js';
import { call } from './api.js';
import { bytes, parseBytes } from './format.js';
import { asLimit, limitFault, useForm } from './forms.js';
import { store } from './store.js';
import { Dialog } from './dialogs.js';
import { usePolled } from './polled.js';

const names = { mon: 'Monday', tue: 'Tuesday', wed: 'Wednesday', thu: 'Thursday', fri: 'Friday', sat: 'Saturday', sun: 'Sunday' };
const days = Object.keys(names);
const dayLong = 24 * 60;
const before = (day) => days[(days.indexOf(day) + 6) % 7];

const minuteOf = (time) => {
  const [hours, minutes] = time.split(':');
  return hours * 60 + Number(minutes);
};

// Of the daemon's "mon-fri 08:00-18:30": the days, and from when to when as fields of time have them. The end of a day is the
// beginning of the next: what ends at or before its beginning goes over midnight.
export function spanOf(text) {
  const [which, hours] = text.toLowerCase().split(' ').filter(Boolean);
  const on = new Set();
  for (const part of which === 'daily' ? days : which.split(',')) {
    const [first, last = first] = part.split('-').map((day) => days.indexOf(day));
    for (let day = first; ; day = (day + 1) % 7) {
      on.add(days[day]);
      if (day === last) break;
    }
  }
  const [from, to] = hours.split('-').map((time) => time.padStart(5, '0').replace('24:00', '00:00'));
  return { on, from, to };
}

export function textOf({ on, from, to }) {
  const runs = [];
  days.forEach((day, i) => on.has(day) && (on.has(days[i - 1]) ? runs.at(-1).push(day) : runs.push([day])));
  const which = on.size === 7 ? 'daily' : runs.map((run) => (run.length > 2 ? `${run[0]}-${run.at(-1)}` : run.join(','))).join(',');
  return `${which} ${from}-${to === '00:00' ? '24:00' : to}`;
}

// Minutes of one day, from and to.
function partsOf(spans, day) {
  return spans.flatMap(({ on, from, to }) => {
    const [first, last] = [minuteOf(from), minuteOf(to)];
    if (last > first) return on.has(day) ? [[first, last]] : [];
    return [...(on.has(day) ? [[first, dayLong]] : []), ...(on.has(before(day)) && last > 0 ? [[0, last]] : [])];
  });
}

function Picture({ spans }) {
  const share = (minutes) => `${(minutes / dayLong) * 100}%`;
  return html`<div class="weekly" role="img" aria-label=${spans.map(textOf).join('; ') || 'never'}>
    ${days.map((day) => html`<div><span>${names[day].slice(0, 3)}</span><div class="hours">
      ${partsOf(spans, day).map(([from, to]) => html`<i style=${{ left: share(from), width: share(to - from) }}></i>`)}</div></div>`)}
    <div><span></span><div class="marks">${['0', '6', '12', '18', '24'].map((hour) => html`<b>${hour}</b>`)}</div></div>
  </div>`;
}

const keys = ['alternative.download', 'alternative.upload', 'alternative.schedule', 'alternative.time-zone', 'alternative.enabled'];

export function Week({ open }) {
  const [answer, again] = usePolled('/settings');
  if (!answer) return null;
  const settings = Object.fromEntries(answer.settings.filter(({ key }) => keys.includes(key)).map(({ key, value }) => [key, value]));
  const [down, up, schedule, zone, isOn] = keys.map((key) => settings[key]);
  const limit = (value) => (value > 0 ? `at most ${bytes(value)}/s` : 'without a limit');
  return html`<div class="tools">
      <button type="button" class="main" onClick=${() => open((close) => html`<${WeekDialog} settings=${settings} onClose=${close} onDone=${again} />`)}>Change</button></div>
    <p>The alternative limits (download ${limit(down)}, upload ${limit(up)}) hold ${schedule.length > 0 ? 'at these times' : 'when they are switched on'}; now they are ${isOn ? 'on' : 'off'}.</p>
    <${Picture} spans=${schedule.map(spanOf)} />
    <p class="hint">By the clock of ${zone || 'the machine of the daemon'}. Whoever switches them by hand has his way until the schedule changes next.</p>`;
}

function WeekDialog({ settings, onClose, onDone }) {
  const { form, text, limit } = useForm({
    'alternative.download': asLimit(settings['alternative.download']),
    'alternative.upload': asLimit(settings['alternative.upload']),
    'alternative.time-zone': settings['alternative.time-zone'],
  });
  const [spans, setSpans] = useState(settings['alternative.schedule'].map(spanOf));
  // From what is, not from what was last drawn: two changes may come before the next drawing.
  const change = (i, part) => setSpans((all) => all.map((one, k) => (k === i ? { ...one, ...part(one) } : one)));
  const turn = (i, day) => change(i, ({ on }) => ({ on: on.symmetricDifference(new Set([day])) }));
  const submit = async () => {
    const wish = { ...form, 'alternative.schedule': spans.map(textOf) };
    for (const key of keys.slice(0, 2)) wish[key] = parseBytes(form[key]);
    wish['alternative.time-zone'] = form['alternative.time-zone'].trim();
    if (wish['alternative.download'] === null || wish['alternative.upload'] === null) return store.notice(limitFault, true);
    if (spans.some(({ on, from, to }) => on.size === 0 || !from || !to)) return store.notice('A time has days, a beginning and an end.', true);
    if (!(await store.attempt(() => call('PATCH', '/settings', wish)))) return;
    onDone();
    onClose();
  };
  const time = (i, key, label) => html`<label>${label} <input type="time" required value=${spans[i][key]} onInput=${({ target: { value } }) => change(i, () => ({ [key]: value }))} /></label>`;
  return html`<${Dialog} title="Alternative limits by the week" action="Save" onClose=${onClose} onSubmit=${submit}>
    <${Picture} spans=${spans.filter(({ from, to }) => from && to)} />
    ${spans.map(({ on }, i) => html`<fieldset class="span" key=${i}><legend>Time ${i + 1}</legend>
      <div class="days">${days.map((day) => html`<label class="tick"><input type="checkbox" checked=${on.has(day)} onChange=${() => turn(i, day)} /> <abbr title=${names[day]}>${names[day].slice(0, 3)}</abbr></label>`)}</div>
      <div class="tools">${time(i, 'from', 'From')}${time(i, 'to', 'To')}
        <button type="button" aria-label=${`Remove time ${i + 1}`} onClick=${() => setSpans((all) => all.toSpliced(i, 1))}>Remove</button></div>
    </fieldset>`)}
    <p><button type="button" onClick=${() => setSpans((all) => [...all, { on: new Set(days.slice(0, 5)), from: '08:00', to: '18:00' }])}>Add a time</button></p>
    ${limit('alternative.download', 'Download then, a second')}
    ${limit('alternative.upload', 'Upload then, a second')}
    ${text('alternative.time-zone', 'Time zone', { placeholder: 'that of the machine, or such as Europe/Berlin' })}
  <//>`;
}
