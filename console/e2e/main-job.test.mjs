// The main job, walked in a real browser against a real server: `TENON_URL=http://127.0.0.1:7070 npm run e2e`.
// The server is an empty installation in development mode. TENON_SHOTS=DIR also takes the pictures of the manual.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { launch, open, sticksOut, violations } from './browser.mjs';

const url = process.env.TENON_URL;
const shots = process.env.TENON_SHOTS;
const csv = join(import.meta.dirname, '../../packs/crm/sample/companies.csv');
const password = 'walnut dovetail 1880';

/** The pictures that the manual shows; TENON_SHOTS_ALL=1 takes one of every page. */
const manual = new Set(['list', 'board', 'record', 'import-preview']);

let browser;
/** The owner's window, and everything that went wrong in it. */
let page;
let faults;

before(async () => {
  assert.ok(url, 'TENON_URL names a running `tenon serve --dev` with an empty data folder');
  if (shots) mkdirSync(shots, { recursive: true });
  browser = await launch();
  ({ page, faults } = await open(browser, url));
});

after(() => browser?.close());

/** No violation of WCAG 2.1 AA, nothing sticks out, nothing forbidden happened; and the picture for the manual. */
async function good(name, on = page, found = faults) {
  await on.waitForLoadState('networkidle');
  assert.deepEqual(await violations(on), [], `axe on ${name}`);
  assert.equal(await sticksOut(on), false, `${name} is wider than its window`);
  assert.deepEqual(found, [], `what ${name} must not do`);
  if (shots && (manual.has(name) || process.env.TENON_SHOTS_ALL)) await picture(on, name);
}

/** A picture without passing messages and without what shows under the mouse. */
async function picture(on, name) {
  await on.mouse.move(0, 0);
  const messages = on.locator('.mantine-Notifications-root');
  await messages.evaluateAll((all) => all.forEach((each) => each.style.setProperty('visibility', 'hidden')));
  await on.screenshot({ path: join(shots, `${name}.png`) });
  await messages.evaluateAll((all) => all.forEach((each) => each.style.removeProperty('visibility')));
}

/** Where the newest mail to an address leads. */
async function mailedLink(to) {
  for (let tries = 0; tries < 50; tries += 1) {
    const mails = await (await fetch(`${url}/dev/mail`, { headers: { Accept: 'application/json' } })).json();
    const mail = mails.find((each) => each.to.includes(to) && each.links.length > 0);
    if (mail) {
      const link = new URL(mail.links[0]);
      return link.pathname + link.hash;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`no mail to ${to}`);
}

/** A request with the session of a window, past the pages: somebody else's work. */
function ask(on, method, path, body, headers = {}) {
  return on.evaluate(
    async ([method, path, body, headers]) => {
      const response = await fetch(path, { method, headers: { 'Content-Type': 'application/json', ...headers }, ...(body && { body: JSON.stringify(body) }) });
      const text = await response.text();
      return { status: response.status, body: text && response.headers.get('Content-Type')?.includes('json') ? JSON.parse(text) : text };
    },
    [method, path, body, headers],
  );
}

const button = (name, on = page) => on.getByRole('button', { name, exact: true });
const link = (name, on = page) => on.getByRole('link', { name, exact: true });
/** A password has no role; its box is found by its type. */
const secret = (on) => on.locator('input[type=password]').first();
const field = (name, on = page) => on.getByRole('textbox', { name, exact: true });
const toast = (text, on = page) => on.getByText(text).last().waitFor();
/** One step of the story. Those after a failed one have nothing to stand on. */
let failed = false;
function step(name, run) {
  test(name, async (t) => {
    if (failed) return t.skip('an earlier step failed');
    try {
      await run();
    } catch (error) {
      failed = true;
      if (shots) await page.screenshot({ path: join(shots, 'failed.png') });
      throw error;
    }
  });
}

/** Rows of the list, without its head. */
const rows = (on = page) => on.locator('table tbody tr');

/** A box with a list below it, whichever of the two roles it has. */
const box = (label) => page.getByRole('combobox', { name: label, exact: true }).or(page.getByRole('textbox', { name: label, exact: true })).first();

/** Takes an option of a list; `words` are typed first where the list is long. */
async function choose(label, option, words) {
  await box(label).click();
  if (words) await box(label).fill(words);
  await page.getByRole('option', { name: option, exact: true }).click();
}

step('an empty installation offers to sign up, or a look around', async () => {
  await page.goto('/');
  await button('Make the sample company').waitFor();
  await good('welcome');
  await link('Create a company').click();
});

step('a company signs up, opens its mail and confirms with a button', async () => {
  await field('Company name').fill('Northwind Joinery');
  await field('Your name').fill('Ada Lindqvist');
  await field('Email').fill('ada@example.com');
  await secret(page).fill('short');
  await button('Create a company').click();
  await page.getByText('At least 12 characters.', { exact: true }).waitFor();
  await secret(page).fill(password);
  await good('sign-up');
  await button('Create a company').click();
  await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
  await good('check-mail');
  await page.goto(await mailedLink('ada@example.com'));
  await button('Confirm my address').waitFor();
  await good('verify');
  await button('Confirm my address').click();
  await page.getByRole('heading', { name: 'No product is installed yet' }).waitFor();
  await good('home-empty');
});

step('a used link says so and offers a new one', async () => {
  const { page: other, faults: found, context } = await open(browser, url);
  await other.goto('/verify#token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
  await button('Confirm my address', other).click();
  await other.getByRole('heading', { name: 'This link no longer works' }).waitFor();
  await good('expired-link', other, found);
  await other.goto('/forgot');
  await field('Email', other).fill('ada@example.com');
  await good('forgot', other, found);
  await button('Send link', other).click();
  await other.getByRole('heading', { name: 'Check your mail' }).waitFor();
  await other.goto('/sign-in');
  await field('Email', other).fill('ada@example.com');
  await secret(other).fill('not the password');
  await button('Sign in', other).click();
  await other.getByRole('alert').waitFor();
  await good('sign-in', other, found);
  await context.close();
});

step('the CRM is installed from the marketplace, and its pages appear', async () => {
  await link('Open the marketplace').click();
  const offer = page.getByRole('article', { name: 'CRM' });
  await offer.getByText('What it brings').waitFor();
  await good('marketplace');
  await button('Install', offer).click();
  await toast('CRM is installed');
  for (const name of ['Companies', 'People', 'Deals', 'Activities']) await link(name).waitFor();
});

step('an empty list says what to do next', async () => {
  await link('Companies').click();
  await page.getByRole('heading', { name: 'No Companies yet' }).waitFor();
  await good('empty-list');
});

step('companies are imported: file, columns, preview, result; again doubles nothing', async () => {
  await page.getByRole('main').getByRole('link', { name: 'Import CSV' }).click();
  await good('import-file');
  const upload = () => page.locator('input[type=file]').setInputFiles(csv);
  await upload();
  await page.getByText('Recognise existing records by').waitFor();
  await good('import-columns');
  await button('Preview').click();
  await page.getByRole('heading', { name: 'Rows that do not fit' }).waitFor();
  await good('import-preview');
  await page.getByRole('button', { name: /^Import [\d,]+ records/ }).click();
  await page.getByRole('heading', { name: 'Import finished' }).waitFor({ timeout: 60_000 });
  await good('import-result');
  const imported = (await ask(page, 'GET', '/api/v1/crm/companies?count=true&limit=1')).body.total;
  assert.ok(imported > 1500, `${imported} companies`);

  await button('Import another file').click();
  await upload();
  await button('Preview').click();
  await page.getByText('To be created').waitFor();
  await page.waitForLoadState('networkidle');
  assert.equal(await page.getByRole('button', { name: 'Import 0 records' }).isDisabled(), true);
  assert.equal((await ask(page, 'GET', '/api/v1/crm/companies?count=true&limit=1')).body.total, imported);
});

step('companies are searched, filtered, sorted and paged', async () => {
  await page.goto('/crm/companies');
  await rows().nth(49).waitFor();
  await good('list');
  const first = await rows().first().innerText();
  await button('Next').click();
  await page.waitForFunction((text) => document.querySelector('table tbody tr')?.innerText !== text, first);
  await button('Previous').click();
  await page.waitForFunction((text) => document.querySelector('table tbody tr')?.innerText === text, first);

  await field('Search Companies').fill('siemens');
  await page.waitForURL(/q=siemens/);
  await link('Siemens').waitFor();
  await field('Search Companies').fill('');
  await page.waitForURL((at) => !at.search.includes('q='));

  await button('Filter').click();
  await choose('Field', 'Country');
  await choose('Comparison', 'is');
  await field('Value').fill('Germany');
  await button('Apply filter').click();
  await page.waitForURL(/filter=/);
  await page.waitForFunction(() => [...document.querySelectorAll('table tbody tr')].every((row) => row.innerText.includes('Germany')));
  await good('filter');

  await button('Name').click();
  await page.waitForURL(/sort=name/);
  await button('Name').click();
  await page.waitForURL(/sort=-name/);
  await page.getByRole('columnheader', { name: 'Name' }).and(page.locator('[aria-sort=descending]')).waitFor();

  await button('Columns').click();
  await page.getByRole('checkbox', { name: 'Employees' }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('columnheader', { name: 'Employees' }).waitFor();

  await button('Saved filters').click();
  await page.getByRole('menuitem', { name: 'Save this filter' }).click();
  await field('Name').fill('German companies');
  await button('Save').click();
  await toast('Filter saved');
  await page.goto('/crm/companies');
  await button('Saved filters').click();
  await page.getByRole('menuitem', { name: 'German companies' }).click();
  await page.waitForURL(/Germany/);
});

step('an expression that does not fit is refused at its place', async () => {
  await page.goto('/crm/companies');
  await button('Filter').click();
  await page.getByText('Expression', { exact: true }).click();
  await field('Expression').fill('name == "3M" && nonsense > 3');
  await button('Apply filter').click();
  await page.getByRole('alert').filter({ hasText: /column 17/ }).waitFor();
  await good('expression');
});

step('people and deals are added by form, and references are chosen by title', async () => {
  await page.goto('/crm/people');
  await button('New Person').first().click();
  await field('Name').fill('Maya Chen');
  await field('Email').fill('maya@example.com');
  await choose('Company', 'Siemens', 'siemens');
  await good('form');
  await button('Create').click();
  await page.getByRole('heading', { name: 'Maya Chen' }).waitFor();
  await link('Siemens').waitFor();

  const company = (await ask(page, 'GET', `/api/v1/crm/companies?filter=${encodeURIComponent('name == "Siemens"')}`)).body.items[0];
  const names = ['Oak staircase', 'Reception desk', 'Facade panels', 'Meeting room', 'Workshop doors', 'Acoustic ceiling'];
  for (const [at, name] of names.entries()) {
    const made = await ask(page, 'POST', '/api/v1/crm/deals', { name, company: company.id, amount: { minor: (at + 1) * 1_250_000, currency: 'EUR' }, closes: `2026-12-0${at + 1}` });
    assert.equal(made.status, 201);
    if (at > 2) await ask(page, 'POST', `/api/v1/crm/deals/${made.body.id}/qualify`, {});
    if (at > 4) await ask(page, 'POST', `/api/v1/crm/deals/${made.body.id}/win`, {});
  }
  await page.goto('/crm/deals');
  await rows().nth(5).waitFor();
  await page.getByText('6 records').waitFor();
  await page.getByText('€262,500.00').waitFor();
  await good('deals');
});

step('deals move on the board by mouse and by keyboard, where a move is declared', async () => {
  await page.goto('/crm/deals?view=board');
  const column = (name) => page.locator(`[data-column=${name}]`);
  const card = (name) => page.locator('[data-card]').filter({ hasText: name });
  await card('Oak staircase').waitFor();
  await good('board');

  await drag(card('Oak staircase'), column('qualified'));
  await column('qualified').getByText('Oak staircase').waitFor();
  await page.waitForLoadState('networkidle');

  await drag(card('Reception desk'), column('won'));
  await toast(/There is no move/);
  await column('lead').getByText('Reception desk').waitFor();

  await page.getByRole('button', { name: 'Move Reception desk' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('menuitem', { name: 'Qualified' }).press('Enter');
  await column('qualified').getByText('Reception desk').waitFor();
  const stages = (await ask(page, 'GET', '/api/v1/crm/deals?limit=50')).body.items.filter((deal) => deal.stage === 'qualified').map((deal) => deal.name);
  assert.deepEqual(stages.toSorted(), ['Meeting room', 'Oak staircase', 'Reception desk', 'Workshop doors'].toSorted());
});

async function drag(from, to) {
  const [a, b] = [await from.boundingBox(), await to.boundingBox()];
  await page.mouse.move(a.x + 20, a.y + a.height - 8);
  await page.mouse.down();
  await page.mouse.move(a.x + 40, a.y + a.height - 8, { steps: 4 });
  await page.mouse.move(b.x + b.width / 2, b.y + 60, { steps: 8 });
  await page.mouse.up();
}

step('when somebody else saved first, both values are shown and the person chooses', async () => {
  await page.goto('/crm/deals');
  await link('Oak staircase').click();
  await button('Edit').click();
  await field('Name').fill('Oak staircase, two flights');
  await field('Notes').fill('Mine.');
  const id = page.url().split('/').at(-1);
  const theirs = await ask(page, 'PATCH', `/api/v1/crm/deals/${id}`, { name: 'Oak staircase, north wing', closes: '2027-01-15' });
  assert.equal(theirs.status, 200);
  await button('Save').click();
  await page.getByRole('heading', { name: 'Changed by somebody else' }).waitFor();
  await page.getByText('Oak staircase, north wing').waitFor();
  await good('conflict');
  await page.getByRole('radio', { name: 'Name: Saved meanwhile' }).check();
  await button('Save my choice').click();
  await page.getByRole('heading', { name: 'Oak staircase, north wing' }).waitFor();
  const saved = (await ask(page, 'GET', `/api/v1/crm/deals/${id}`)).body;
  assert.equal(saved.name, 'Oak staircase, north wing');
  assert.equal(saved.notes, 'Mine.');
  assert.equal(saved.closes, '2027-01-15');
});

step('history is a list of differences, and an earlier state can be brought back', async () => {
  const history = page.getByRole('region', { name: 'History' });
  await history.getByText('Created').waitFor();
  await good('record');
  await history.getByRole('button', { name: /Bring back the state after entry/ }).last().click();
  await button('Bring back', page.getByRole('dialog')).click();
  await page.getByRole('heading', { name: 'Oak staircase', exact: true }).waitFor();
});

step('many records change at once, after a look at what would happen', async () => {
  await page.goto('/crm/companies?filter=' + encodeURIComponent('country == "Germany"'));
  for (const at of [1, 2, 3]) await page.locator('table input[type=checkbox]').nth(at).check();
  await page.getByText('3 selected').waitFor();
  await button('Change').click();
  await page.getByRole('menuitem', { name: 'Set a field' }).click();
  await choose('Field to set', 'Notes');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Notes' }).fill('Visit in spring.');
  await button('Preview').click();
  await page.getByText('3 would change').waitFor();
  await good('bulk');
  const noted = async () => (await ask(page, 'GET', `/api/v1/crm/companies?count=true&filter=${encodeURIComponent('notes == "Visit in spring."')}`)).body.total;
  assert.equal(await noted(), 0);
  await button('Change 3 records').click();
  await page.getByText('3 changed').waitFor();
  assert.equal(await noted(), 3);
  await button('Close', page.getByRole('dialog')).last().click();
});

step('over a hundred at once become a job that says how far it is', async () => {
  await page.goto('/crm/companies?filter=' + encodeURIComponent('country == "Germany"'));
  await page.locator('table input[type=checkbox]').nth(1).check();
  await button('Take all that match').click();
  await button('Change').click();
  await page.getByRole('menuitem', { name: 'Set a field' }).click();
  await choose('Field to set', 'Phone');
  await page.getByRole('dialog').getByRole('textbox', { name: 'Phone' }).fill('+49 30 123456');
  await button('Preview').click();
  await page.getByRole('button', { name: /^(Change \d+ records|Start)$/ }).click();
  await page.getByText(/\d+ changed, 0 unchanged/).waitFor();
  await button('Close', page.getByRole('dialog')).last().click();
  await page.getByRole('button', { name: /^Running jobs/ }).click();
  await page.getByText('Change many: Companies').first().waitFor();
  await good('jobs');
});

step('a deleted record is brought back from its history', async () => {
  const made = (await ask(page, 'POST', '/api/v1/crm/people', { name: 'Nobody Much' })).body;
  await page.goto(`/crm/people/${made.id}`);
  await page.getByRole('heading', { name: 'Nobody Much' }).waitFor();
  await button('More actions').click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await button('Delete', page.getByRole('dialog')).click();
  await page.getByRole('heading', { name: 'People' }).waitFor();
  await page.goto(`/crm/people/${made.id}`);
  await page.getByRole('heading', { name: 'This Person was deleted' }).waitFor();
  await good('deleted');
  await page.getByRole('button', { name: /^Bring back the state/ }).last().click();
  await button('Bring back', page.getByRole('dialog')).click();
  await page.getByRole('heading', { name: 'Nobody Much' }).waitFor();
});

step('what is referred to is not deleted, and the referrers are named', async () => {
  await page.goto('/crm/companies?q=siemens');
  await link('Siemens').click();
  await page.getByRole('heading', { name: 'Siemens', exact: true }).waitFor();
  await button('More actions').click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await button('Delete', page.getByRole('dialog')).click();
  await page.getByRole('alert').getByText('Reception desk').waitFor();
  await good('referred');
  await button('Close', page.getByRole('dialog')).last().click();
});

step('a list is exported as CSV, as it is filtered', async () => {
  await page.goto('/crm/companies?filter=' + encodeURIComponent('country == "Germany"'));
  await rows().first().waitFor();
  await button('More actions').click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Export CSV' }).click()]);
  const text = readFileSync(await download.path(), 'utf8');
  assert.match(text.split('\n')[0], /name/);
  assert.match(text, /Germany/);
  assert.doesNotMatch(text, /United Kingdom,/);
});

step('a colleague is invited as viewer, reads, and cannot write', async () => {
  await page.goto('/account/invitations?new=1');
  await field('Email').fill('vera@example.com');
  await button('Send invitation').click();
  await toast('Invitation sent to vera@example.com');
  await good('invitations');

  // Whoever is signed in as somebody else is offered to switch.
  const address = await mailedLink('vera@example.com');
  await page.goto(address);
  await button('Accept invitation').click();
  await page.getByText('This invitation is for another email address').waitFor();
  await good('invitation-mismatch');

  const viewer = await open(browser, url);
  await viewer.page.goto(address);
  await field('Your name', viewer.page).fill('Vera Okafor');
  await secret(viewer.page).fill(password);
  await good('accept-invitation', viewer.page, viewer.faults);
  await button('Accept invitation', viewer.page).click();
  await viewer.page.getByRole('heading', { name: 'Northwind Joinery' }).waitFor();
  await viewer.page.goto('/crm/deals');
  await rows(viewer.page).first().waitFor();
  await good('viewer-list', viewer.page, viewer.faults);
  assert.equal(await viewer.page.getByRole('button', { name: 'New Deal' }).getAttribute('aria-disabled'), 'true');
  await viewer.page.locator('tbody a').first().click();
  await viewer.page.getByRole('region', { name: 'History' }).waitFor();
  assert.equal(await viewer.page.getByRole('button', { name: 'Edit' }).getAttribute('aria-disabled'), 'true');
  await good('viewer-record', viewer.page, viewer.faults);
  const id = viewer.page.url().split('/').at(-1);
  assert.equal((await ask(viewer.page, 'PATCH', `/api/v1/crm/deals/${id}`, { name: 'no' })).status, 403);
  assert.equal((await ask(viewer.page, 'POST', '/api/v1/crm/deals', { name: 'no' })).status, 403);
  assert.equal((await ask(viewer.page, 'DELETE', `/api/v1/crm/deals/${id}`)).status, 403);
  await viewer.context.close();
});

step('an invitation is sent again and cancelled; an old link no longer works', async () => {
  await page.goto('/account/invitations?new=1');
  await field('Email').fill('late@example.com');
  await button('Send invitation').click();
  await toast('Invitation sent to late@example.com');
  const first = await mailedLink('late@example.com');
  const row = page.getByRole('row').filter({ hasText: 'late@example.com' });
  await button('Send again', row).click();
  await toast(/the earlier link no longer works/);
  let second = first;
  for (let tries = 0; second === first && tries < 50; tries += 1) second = await mailedLink('late@example.com');
  await button('Cancel invitation', row).click();
  await button('Cancel invitation', page.getByRole('dialog')).click();
  await row.getByText('Cancelled').waitFor();
  for (const old of [first, second]) {
    const { page: other, context, faults: found } = await open(browser, url);
    await other.goto(old);
    await field('Your name', other).fill('Too Late');
    await secret(other).fill(password);
    await button('Accept invitation', other).click();
    await other.getByRole('heading', { name: 'This link no longer works' }).waitFor();
    assert.deepEqual(found, []);
    await context.close();
  }
});

step('a member changes role, is deactivated, comes back and is removed', async () => {
  await page.goto('/account/members');
  await page.getByText('Vera Okafor').waitFor();
  await good('members');
  const row = page.getByRole('row').filter({ hasText: 'vera@example.com' });
  await box('Roles of Vera Okafor').press('ArrowDown');
  await page.getByRole('option', { name: 'Editor', exact: true }).click();
  await page.keyboard.press('Escape');
  await page.getByText('People who work in this company.').click();
  await toast('Member changed');
  const act = async (name) => {
    await row.getByRole('button', { name: 'Actions for Vera Okafor' }).click();
    await page.getByRole('menuitem', { name }).click();
  };
  await act('Deactivate');
  await button('Deactivate', page.getByRole('dialog')).click();
  await row.getByText('Inactive').waitFor();
  await act('Activate');
  await row.getByText('Active', { exact: true }).waitFor();
  await act('Remove');
  await button('Remove', page.getByRole('dialog')).click();
  await row.waitFor({ state: 'detached' });
  await button('Leave company').click();
  await button('Leave company', page.getByRole('dialog')).click();
  await toast(/last owner/);
  await button('Cancel', page.getByRole('dialog')).click();
});

step('roles, keys, the log and the profile', async () => {

  await page.goto('/account/roles');
  await button('New role').click();
  await field('Name').fill('Sales north');
  await button('Create').click();
  await toast('Role saved');
  const saved = page.waitForResponse((answer) => answer.url().endsWith('/account/roles/sales_north') && answer.ok());
  await page.getByRole('checkbox', { name: /^Sales north: / }).first().click();
  await saved;
  await page.getByRole('checkbox', { name: /^Sales north: /, checked: true }).first().waitFor();
  await good('roles');

  await page.goto('/account/keys');
  await button('New key').first().click();
  await field('Name').fill('Nightly import');
  await choose('Permissions', 'crm.companies:read', 'crm.companies:r');
  await page.keyboard.press('Escape');
  await button('Create').click();
  await page.locator('[data-secret]').waitFor();
  assert.match(await page.locator('[data-secret]').innerText(), /^tnk_/);
  await button('Close', page.getByRole('dialog')).last().click();
  await page.getByText('Nightly import').waitFor();
  await good('keys');

  await page.goto('/events');
  await field('Event').fill('crm.deal.');
  await page.waitForFunction(() => [...document.querySelectorAll('tbody tr')].length > 0 && [...document.querySelectorAll('tbody tr')].every((row) => row.innerText.includes('crm.deal.')));
  await page.getByRole('button', { name: 'crm.deal.updated' }).first().click();
  await page.getByText('Hash').waitFor();
  await good('events');

  await page.goto('/account/profile');
  await page.getByText('this one').waitFor();
  await good('profile');
  await page.locator('input[autocomplete=current-password]').fill('not my password');
  await page.locator('input[autocomplete=new-password]').fill('chestnut rebate 1881');
  await button('Change password').click();
  await page.getByText(/wrong|not your|does not/i).first().waitFor();
  await page.locator('input[autocomplete=current-password]').fill(password);
  await button('Change password').click();
  await toast('Password changed; all other sessions were ended');
  await field('Name').fill('Ada Lindqvist-Berg');
  await button('Save').click();
  await toast('Profile saved');
});

step('search finds records, pages and actions from anywhere', async () => {
  await page.goto('/');
  await page.getByRole('region', { name: 'Latest changes' }).waitFor();
  await good('home');
  await page.keyboard.press('Control+k');
  await page.getByPlaceholder('Search records, pages and actions').fill('oak');
  await page.getByRole('button', { name: /Oak staircase/ }).or(page.locator('[data-action]').filter({ hasText: 'Oak staircase' })).first().waitFor();
  await good('search');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /Oak staircase/ }).waitFor();
});

step('a second company sees nothing of the first', async () => {
  const deal = (await ask(page, 'GET', '/api/v1/crm/deals?limit=1')).body.items[0];
  await page.goto('/');
  await page.getByRole('button', { name: /^Company: / }).click();
  await page.getByRole('menuitem', { name: 'New company' }).click();
  await field('Company name').fill('Other House');
  await button('Create and switch').click();
  await page.getByRole('heading', { name: 'No product is installed yet' }).waitFor();
  await page.getByRole('button', { name: 'Company: Other House. Switch company' }).click();
  await good('company-switcher');
  await ask(page, 'POST', '/api/v1/modules/crm/install', {});
  assert.equal((await ask(page, 'GET', `/api/v1/crm/deals/${deal.id}`)).status, 404);
  assert.equal((await ask(page, 'GET', '/api/v1/crm/companies?count=true')).body.total, 0);
  assert.deepEqual((await ask(page, 'GET', '/api/v1/search?q=oak')).body.items, []);
  await page.goto('/modules');
  const offer = page.getByRole('article', { name: 'CRM' });
  await button('Manage', offer).click();
  await page.getByRole('menuitem', { name: 'Uninstall' }).click();
  await button('Uninstall', page.getByRole('dialog')).click();
  await offer.getByText('Data kept').waitFor();
  await button('Delete with all data', offer).click();
  await field('Type “crm” to confirm').fill('crm');
  await good('purge');
  await button('Delete with all data', page.getByRole('dialog')).click();
  await toast('CRM and its data were deleted');
  await page.getByRole('button', { name: 'Company: Other House. Switch company' }).click();
  await page.getByRole('menuitem', { name: /Northwind Joinery/ }).click();
  await link('Deals').first().waitFor();
});

step('a page that does not exist shows the way out', async () => {
  await page.goto('/crm/unheard-of');
  await page.getByRole('heading', { name: 'Nothing here' }).waitFor();
  await good('not-found');
});

const places = ['/', '/crm/companies', '/crm/deals?view=board', '/modules', '/account/members', '/account/roles', '/account/keys', '/events', '/account/profile', '/crm/companies/import'];

for (const [name, options, query] of [
  ['dark', { colorScheme: 'dark' }, ''],
  ['narrow', { viewport: { width: 360, height: 740 } }, ''],
  ['right-to-left', {}, 'dir=rtl'],
  ['german', { locale: 'de-DE' }, ''],
]) {
  step(`every page is good: ${name}`, async () => {
    const window = await open(browser, url, { ...options, storageState: await page.context().storageState() });
    for (const place of places) {
      const path = query ? `${place}${place.includes('?') ? '&' : '?'}${query}` : place;
      await window.page.goto(path);
      await window.page.getByRole('heading', { level: 1 }).waitFor();
      await good(`${name}${place.replace(/\W+/g, '-').replace(/-$/, '') || '-home'}`, window.page, window.faults);
    }
    await window.page.goto(`/crm/deals${query && '?'}${query}`);
    await window.page.locator('tbody a').first().click();
    await window.page.locator('dl').waitFor();
    await good(`${name}-record`, window.page, window.faults);
    await window.context.close();
  });
}

step('signing out everywhere ends the session', async () => {
  await page.goto('/');
  await page.getByRole('button', { name: /^Account of / }).click();
  await page.getByRole('menuitem', { name: 'Sign out everywhere' }).click();
  await button('Sign in').waitFor();
  assert.equal((await ask(page, 'GET', '/api/v1/me')).status, 401);
});

step('a forgotten password is chosen anew', async () => {
  await link('Forgot your password?').click();
  // The page that is left has a field of this name, too.
  await button('Send link').waitFor();
  await field('Email').fill('ada@example.com');
  await button('Send link').click();
  await page.getByRole('heading', { name: 'Check your mail' }).waitFor();
  let address = '';
  for (let tries = 0; !address.startsWith('/reset') && tries < 50; tries += 1) address = await mailedLink('ada@example.com');
  await page.goto(address);
  await secret(page).fill('mahogany scarf 1882');
  await good('reset');
  await button('Save password').click();
  await link('Sign in').click();
  await field('Email').fill('ada@example.com');
  await secret(page).fill('mahogany scarf 1882');
  await button('Sign in').click();
  await page.getByRole('heading', { name: 'Northwind Joinery' }).waitFor();
});
