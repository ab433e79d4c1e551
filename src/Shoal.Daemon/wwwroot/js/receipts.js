// What a member tells of what it receives: whether it does, all that it told, and what the hub has of that; for publishers also
// what others told of theirs.
import { html, useState, useEffect } from './view.js';
import { call, get } from './api.js';
import { bytes, date, many } from './format.js';
import { store } from './store.js';
import { Dialog } from './dialogs.js';
import { usePolled } from './polled.js';
import { Things } from './things.js';

const keeps = {
  none: 'The hub takes no receipts.',
  sums: 'The hub keeps two sums of bytes for each content, without your name, and tells publishers only the sums of all.',
  signed: 'The hub keeps your last receipt of each content as you signed it, with your id, and shows it to the publisher, who may ask whether you still have it.',
};
const short = (id) => id.slice(0, 8);

export function Receipts({ membership, name, path, every, onClose }) {
  const [report, again, fault] = usePolled(`${path}/receipts`, every);
  const [list] = usePolled(`${path}/catalogue?all=true`, every);
  const entries = list?.entries ?? [];
  const entryOf = (one) => entries.find((entry) => entry.id === one.entry && entry.version === one.version);
  const item = (one, facts) => ({ key: `${one.entry} ${one.version} ${one.at ?? ''}`, title: entryOf(one)?.title ?? `Entry ${short(one.entry)}`, facts });
  const told = (one) => {
    const origin = entryOf(one)?.publisher;
    return item(one, [
      `${bytes(one.bytes)} received`,
      ...one.senders.map((sender) => `${bytes(sender.bytes)} from ${sender.member === origin ? 'its publisher' : `member ${sender.member}`}`),
      one.complete ? 'all of it is here' : 'a part is here',
      `from ${date(one.since)} to ${date(one.until)}`,
    ]);
  };
  const kept = (one) => item(one, [
    `${bytes(one.fromOrigin)} from its publisher`,
    `${bytes(one.fromMembers)} from members`,
    one.complete ? 'all of it is here' : 'a part is here',
    one.signed ? 'with your id, as you signed it' : 'without your name',
  ]);
  const answered = (one) => item(one, [`${many(one.blocks, 'block')} asked for by ${one.challenger}`, one.complete ? 'they were here' : 'they were not here', date(one.at)]);
  const give = async () => {
    if (await store.attempt(() => call('PUT', `${path}/receipts`, { give: !report.agreed }))) again();
  };
  const own = entries.filter((entry) => entry.publisher === membership.member);
  return html`<${Dialog} title=${`Receipts for ${name}`} onClose=${onClose} wide
    more=${report && html`<button type="button" onClick=${give}>${report.agreed ? 'Take back all that was told' : 'Tell from now on'}</button>`}>
    ${fault && html`<p class="trouble" role="alert">${fault}</p>`}
    ${report && html`<div class="page" tabindex="0" role="group" aria-label="Receipts">
      <p>${report.agreed ? `You tell what you receive, and from whom; you agreed to ${report.agreed === 'signed' ? 'signed receipts' : 'sums'}.` : 'Nobody is told what you receive.'}
        ${' '}${report.hubKeeps ? keeps[report.hubKeeps] : 'The hub does not answer.'}</p>
      <h3>Told by this member</h3>
      <${Things} label="Told by this member" items=${report.told.map(told)} empty="Nothing was told." />
      <h3>What the hub has of it</h3>
      <${Things} label="What the hub has" items=${report.atHub.map(kept)} empty=${report.hubKeeps ? 'Nothing.' : 'It does not answer.'} />
      ${report.answered.length > 0 && html`<h3>Asked whether it is here</h3>
        <${Things} label="Challenges answered" items=${report.answered.map(answered)} />`}
      ${own.length > 0 && html`<${Served} path=${path} own=${own} />`}
    </div>`}
  <//>`;
}

// Of what this member has published: what members told of it that agreed to.
function Served({ path, own }) {
  const [figures, setFigures] = useState({});
  const key = (entry) => `${entry.id} ${entry.version}`;
  useEffect(() => {
    for (const entry of own) {
      get(`${path}/custody?entry=${entry.id}&version=${entry.version}`).then((found) => setFigures((now) => ({ ...now, [key(entry)]: found })), () => {});
    }
  }, [own.map(key).join()]);
  const item = (entry) => {
    const found = figures[key(entry)];
    return {
      key: key(entry),
      title: entry.title,
      facts: found
        ? [
            `${bytes(found.fromOrigin)} served by you`,
            `${bytes(found.fromMembers)} by members`,
            `${many(found.copies, 'complete copy', 'complete copies')} of ${many(found.receivers, 'member that tells', 'members that tell')}`,
            `${found.onlineComplete} complete and ${found.onlineIncomplete} at it are online`,
          ]
        : [`version ${entry.version}`],
    };
  };
  return html`<h3>What you have published</h3><${Things} label="What you have published" items=${own.map(item)} />`;
}
