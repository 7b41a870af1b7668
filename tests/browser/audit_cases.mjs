// Who asked for what. What these ask for is refused, or taken back, so that they can come anywhere.
import { barriers, check, equal, test } from './harness.mjs';

const rows = (page) => page.locator('tbody tr');
const by = (token) => ({ script: `sessionStorage.setItem('smgate-token', '${token}');` });

const ask = (world, what) => fetch(`${world.url}/api/v1/${what}`, { method: 'POST', headers: { Authorization: `Bearer ${world.token}` } });

test('Audit', 'SaysWhoAskedForWhatAndLeadsThere', async (reader, world) => {
  const run = world.runs['wrong-eps'];
  for (const what of ['runners/emulated-sm_121/drain', 'runners/emulated-sm_121/undrain', `runs/${run}/cancel`]) await ask(world, what);
  const page = await reader.open('/', by(world.token));
  await page.getByRole('link', { name: 'Audit', exact: true }).click();
  await rows(page).nth(2).waitFor();
  const texts = (await rows(page).allTextContents()).slice(0, 3).map((text) => text.replace(/^[-\d]{10} [:\d]{8} UTC/, ''));
  check(/^readercanceltopic\/epsacme\/kernels.*refused/.test(texts[0]), texts[0]);
  check(/^readerundrainemulated-sm_121runner.*done/.test(texts[1]), texts[1]);
  check(/^readerdrainemulated-sm_121runner.*done/.test(texts[2]), texts[2]);
  await rows(page).nth(1).getByRole('link').click();
  await page.getByRole('heading', { name: 'Runners and queue' }).waitFor();
  await page.goBack();
  await rows(page).first().getByRole('link').click();
  await page.waitForURL(`**/runs/${run}`);
});

test('Audit', 'ShowsOlderEntriesAndThoseOfOneAction', async (reader, world) => {
  await Promise.all(Array.from({ length: 31 }, () => ask(world, 'runners/nobody/drain')));
  await ask(world, 'runners/nobody/undrain');
  const page = await reader.open('/audit?token=reader', by(world.token));
  await rows(page).nth(29).waitFor();
  equal(await rows(page).count(), 30, 'rows of a page');
  await page.getByRole('button', { name: 'Show older entries' }).press('Enter');
  await rows(page).nth(31).waitFor();
  await page.getByLabel('Action').selectOption('undrain');
  await page.waitForURL('**/audit?action=undrain&token=reader');
  await page.getByRole('link', { name: 'nobody' }).waitFor();
  const shown = await rows(page).locator('td:nth-child(3)').allTextContents();
  check(shown.length > 0 && shown.every((action) => action === 'undrain'), `actions: ${shown}`);
  await page.getByLabel('Token').fill('nobody');
  await page.keyboard.press('Enter');
  await page.getByText('No entry matches.').waitFor();
});

test('Audit', 'SaysWhyItShowsNothing', async (reader, world) => {
  const page = await reader.open('/audit');
  await page.getByRole('alert').getByText('this needs an API token with the scope read').waitFor();
  await page.getByLabel('Token with the scope read').fill(world.drainer);
  await page.getByRole('button', { name: 'Use it in this tab' }).click();
  await page.getByRole('alert').getByText('the token drainer has not the scope read').waitFor();
  await page.getByLabel('Token with the scope read').fill(world.token);
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor({ state: 'detached' });
  const empty = await reader.open('/audit', { origin: world.empty, ...by(world.empty_token) });
  await empty.getByText('Nobody has asked for anything yet.').waitFor();
});

test('Audit', 'ComesBackWithTheServer', async (reader, world) => {
  await ask(world, 'runners/nobody/drain');
  const page = await reader.open('/', by(world.token));
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.getByRole('link', { name: 'Audit', exact: true }).click();
  await page.getByRole('alert').getByText('The server cannot be reached.').waitFor();
  await page.unroute('**/api/v1/**');
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));  // its stream connects anew
  await rows(page).first().waitFor();
});

test('Audit', 'KeepsNobodyOutAndFits360Pixels', async (reader, world) => {
  await ask(world, 'runners/emulated-sm_121/undrain');
  for (const colorScheme of ['light', 'dark']) {
    const page = await reader.open('/audit', { colorScheme, viewport: { width: 360, height: 740 }, ...by(world.token) });
    await rows(page).first().waitFor();
    equal(await barriers(page), '', `barriers, ${colorScheme}`);
    const [wide, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    check(wide <= seen, `the page is ${wide} pixels wide`);
  }
});
