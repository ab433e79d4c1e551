// What the daemon does by itself, and who may do what. Each page lists, and opens dialogs over the list.
import { html, useState, remember, remembered } from './view.js';
import { Dialog } from './dialogs.js';
import { Tabs } from './tabs.js';
import { Feeds } from './feeds.js';
import { Rules } from './rules.js';
import { Categories, Labels } from './categories.js';
import { Week } from './week.js';
import { Tokens } from './tokens.js';
import { Memberships } from './memberships.js';

const names = { feeds: 'Feeds', rules: 'Rules', categories: 'Categories', labels: 'Labels', week: 'Week', tokens: 'Access', memberships: 'Memberships' };
const pages = { feeds: Feeds, rules: Rules, categories: Categories, labels: Labels, week: Week, tokens: Tokens, memberships: Memberships };

export function ManageDialog({ onClose, onAdded }) {
  const first = remembered('page', 'feeds');
  const [shown, setShown] = useState(Object.hasOwn(pages, first) ? first : 'feeds');
  // Makes the dialog over it, of how that is closed; beside and not within, since forms lie in no forms.
  const [over, setOver] = useState(null);
  const open = (make) => setOver(() => make);
  const show = (page) => {
    remember('page', page);
    setShown(page);
  };
  const Page = pages[shown];
  return html`<${Dialog} title="Manage" onClose=${onClose} wide>
      <${Tabs} id="page" label="Manage" names=${names} shown=${shown} onShow=${show} className="page"><${Page} key=${shown} open=${open} onAdded=${onAdded} /><//>
    <//>
    ${over?.(() => setOver(null))}`;
}
