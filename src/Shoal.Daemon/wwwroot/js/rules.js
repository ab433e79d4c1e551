// Rules, which say what of the feeds is added.
import { html, useState, useEffect } from './view.js';
import { call, get } from './api.js';
import { many } from './format.js';
import { labels, useForm } from './forms.js';
import { store } from './store.js';
import { Dialog } from './dialogs.js';
import { usePolled } from './polled.js';
import { removing, Things } from './things.js';

// Titles of what a rule takes that are shown, and how long it is waited for the end of typing.
const most = 20;
const pause = 300;

export function Rules({ open }) {
  const [list, again, fault] = usePolled('/feed-rules');
  const edit = (rule) => open((close) => html`<${RuleDialog} rule=${rule} onClose=${close} onDone=${again} />`);
  const turn = (rule) =>
    store.attempt(async () => {
      await call('PUT', '/feed-rules', { ...rule, enabled: rule.enabled === false });
      again();
    });
  const names = list?.rules.map((rule) => rule.name) ?? [];
  // A rule changes places with the one before it.
  const forward = (place) =>
    store.attempt(async () => {
      await call('PUT', '/feed-rules/order', { names: names.with(place - 1, names[place]).with(place, names[place - 1]) });
      again();
    });
  const item = (rule, place) => ({
    key: rule.name,
    title: rule.name,
    facts: [
      rule.enabled === false && 'off',
      rule.mustContain && `with ${rule.mustContain}`,
      rule.mustNotContain && `without ${rule.mustNotContain}`,
      rule.pattern && `like ${rule.pattern}`,
      rule.onceAnEpisode && 'each episode once',
      rule.feeds.length === 0 ? 'of all feeds' : `of ${many(rule.feeds.length, 'feed')}`,
      rule.category && `into ${rule.category}`,
      rule.saveDirectory && `to ${rule.saveDirectory}`,
      rule.labels?.length > 0 && `labelled ${rule.labels.join(', ')}`,
      rule.paused && 'not begun',
    ],
    buttons: [
      ...(place > 0 ? [['Ask before', () => forward(place)]] : []),
      [rule.enabled === false ? 'Switch on' : 'Switch off', () => turn(rule)],
      ['Edit', () => edit(rule)],
      removing(open, 'Remove rule', `${rule.name} takes nothing any more; what it has added stays.`, async () => {
        await call('DELETE', `/feed-rules?name=${encodeURIComponent(rule.name)}`);
        again();
      }),
    ],
  });
  return html`<div class="tools"><button type="button" class="main" onClick=${() => edit(null)}>Add rule</button></div>
    <${Things} label="Rules" items=${list?.rules.map(item)} fault=${fault} empty="No rules yet: nothing of the feeds is added." />`;
}

// What is written in fields, as the daemon takes it.
const ruleOf = (form, feeds) => ({
  name: form.name.trim(),
  enabled: form.enabled,
  feeds,
  mustContain: form.mustContain.trim() || null,
  mustNotContain: form.mustNotContain.trim() || null,
  pattern: form.pattern || null,
  onceAnEpisode: form.onceAnEpisode,
  category: form.category.trim() || null,
  labels: labels(form.labels),
  saveDirectory: form.folder.trim() || null,
  paused: form.paused,
});

function RuleDialog({ rule, onClose, onDone }) {
  const { form, text, tick } = useForm({
    name: rule?.name ?? '',
    enabled: rule?.enabled !== false,
    mustContain: rule?.mustContain ?? '',
    mustNotContain: rule?.mustNotContain ?? '',
    pattern: rule?.pattern ?? '',
    onceAnEpisode: rule?.onceAnEpisode ?? false,
    category: rule?.category ?? '',
    labels: (rule?.labels ?? []).join(', '),
    folder: rule?.saveDirectory ?? '',
    paused: rule?.paused ?? false,
  });
  const [chosen, setChosen] = useState(rule?.feeds ?? []);
  const [feeds, setFeeds] = useState([]);
  useEffect(() => {
    store.attempt(async () => setFeeds((await get('/feeds')).feeds));
  }, []);
  const submit = async () => {
    if (!(await store.attempt(() => call('PUT', '/feed-rules', ruleOf(form, chosen))))) return;
    onDone();
    onClose();
  };
  const choose = (url, is) => setChosen(is ? [...chosen, url] : chosen.filter((other) => other !== url));
  return html`<${Dialog} title=${rule ? 'Edit rule' : 'Add rule'} action="Save" onClose=${onClose} onSubmit=${submit} wide>
    ${text('name', 'Name', { required: true, readonly: !!rule, autofocus: !rule })}
    <div class="columns">
      ${text('mustContain', 'Words that the title has, all of them', { autofocus: !!rule })}
      ${text('mustNotContain', 'Words that it does not have')}
      ${text('pattern', 'Regular expression that matches in it')}
      ${text('category', 'Category')}
      ${text('labels', 'Labels, with commas')}
      ${text('folder', 'Folder', { placeholder: 'that of the category, or of the settings' })}
    </div>
    ${tick('onceAnEpisode', 'Of one episode (S01E02, 1x02, a date) only the first release')}
    ${tick('paused', 'Do not begin yet')}
    ${tick('enabled', 'The rule holds')}
    ${feeds.length > 0 && html`<fieldset><legend>Of these feeds; none: of all</legend>
      ${feeds.map(({ url, title }) => html`<label class="tick"><input type="checkbox" checked=${chosen.includes(url)} onChange=${(event) => choose(url, event.target.checked)} /> ${title ?? url}</label>`)}
    </fieldset>`}
    <${Matches} rule=${ruleOf(form, chosen)} />
  <//>`;
}

// What the rule takes of that which is in the feeds now, while it is written.
function Matches({ rule }) {
  const [found, setFound] = useState(null);
  const asked = JSON.stringify(rule);
  useEffect(() => {
    let gone = false;
    const timer = setTimeout(async () => {
      try {
        const answer = await call('POST', '/feed-rules/matches', rule);
        if (!gone) setFound(answer);
      } catch (problem) {
        if (!gone) setFound({ fault: problem.message });
      }
    }, pause);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [asked]);
  if (found?.fault) return html`<p class="faults" role="alert">${found.fault}</p>`;
  const entries = found?.entries ?? [];
  return html`<div class="matches" role="status">
    ${found && html`<p>${entries.length === 0 ? 'It takes nothing of what is in the feeds now.' : `It takes ${entries.length} of what is in the feeds now:`}</p>`}
    <ul class="chosen">${entries.slice(0, most).map((entry) => html`<li>${entry.title}${entry.seen ? ' (taken already)' : ''}</li>`)}
      ${entries.length > most && html`<li>and ${entries.length - most} more</li>`}</ul>
  </div>`;
}
