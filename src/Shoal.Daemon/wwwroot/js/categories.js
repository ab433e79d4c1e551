// Categories with their folders, and labels: what holds for all torrents that have them.
import { html } from './view.js';
import { call } from './api.js';
import { many, ratio, span } from './format.js';
import { useForm } from './forms.js';
import { store, useStore } from './store.js';
import { Dialog } from './dialogs.js';
import { usePolled } from './polled.js';
import { removing, Things } from './things.js';

// Path in the API, and in the list's tags the letter before the name.
const kinds = {
  category: { path: '/categories', list: 'categories', letter: 'c', stay: 'its torrents stay, without a category, where they are.' },
  label: { path: '/labels', list: 'labels', letter: 'l', stay: 'torrents lose it.' },
};

function Groups({ kind, open }) {
  useStore('list');
  const { path, list, letter, stay } = kinds[kind];
  const [answer, again, fault] = usePolled(path);
  const edit = (group) => open((close) => html`<${GroupDialog} kind=${kind} group=${group} onClose=${close} onDone=${again} />`);
  const item = (group) => ({
    key: group.name,
    title: group.name,
    facts: [
      kind === 'category' && (group.saveDirectory ?? 'in the download folder'),
      group.ratioLimit != null && (group.ratioLimit > 0 ? `seeds until the ratio is ${ratio(group.ratioLimit)}` : 'seeds whatever the ratio is'),
      group.seedTimeLimit != null && (group.seedTimeLimit > 0 ? `seeds for ${span(group.seedTimeLimit)}` : 'seeds without an end'),
      many(store.list.tags.get(letter + group.name) ?? 0, 'torrent'),
    ],
    buttons: [
      ['Edit', () => edit(group)],
      removing(open, `Remove ${kind}`, `${group.name} goes; ${stay}`, async () => {
        await call('DELETE', `${path}?name=${encodeURIComponent(group.name)}`);
        again();
      }),
    ],
  });
  return html`<div class="tools"><button type="button" class="main" onClick=${() => edit(null)}>Add ${kind}</button></div>
    <${Things} label=${list} items=${answer?.[list].map(item)} fault=${fault} empty=${`No ${list} yet.`} />`;
}

export const Categories = (props) => html`<${Groups} kind="category" ...${props} />`;
export const Labels = (props) => html`<${Groups} kind="label" ...${props} />`;

function GroupDialog({ kind, group, onClose, onDone }) {
  const { form, text } = useForm({
    name: group?.name ?? '',
    folder: group?.saveDirectory ?? '',
    ratio: group?.ratioLimit ?? '',
    hours: group?.seedTimeLimit == null ? '' : group.seedTimeLimit / 3600,
  });
  const submit = async () => {
    const change = {
      name: form.name.trim(),
      ratioLimit: form.ratio === '' ? null : Number(form.ratio),
      seedTimeLimit: form.hours === '' ? null : Math.round(form.hours * 3600),
    };
    if (kind === 'category') change.saveDirectory = form.folder.trim() || null;
    if (!(await store.attempt(() => call('PUT', kinds[kind].path, change)))) return;
    onDone();
    onClose();
  };
  const number = { type: 'number', min: 0, step: 'any', placeholder: 'as elsewhere' };
  return html`<${Dialog} title=${`${group ? 'Edit' : 'Add'} ${kind}`} action="Save" onClose=${onClose} onSubmit=${submit}>
    ${text('name', 'Name', { required: true, readonly: !!group, autofocus: !group })}
    ${kind === 'category' && text('folder', 'Folder of torrents that are added to it', { placeholder: store.status?.downloadDirectory, autofocus: !!group })}
    ${text('ratio', 'Seed until the ratio is (0: for ever)', number)}
    ${text('hours', 'Seed for, in hours (0: for ever)', number)}
  <//>`;
}
