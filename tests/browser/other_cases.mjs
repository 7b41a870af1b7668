import { check, equal, test } from './harness.mjs';

test('Compare', 'ShowsWhatIsNewAgainstTheBase', async (reader, world) => {
  const page = await reader.open(`/compare?run=${world.runs['shared-key']}`);
  await page.getByText('New causes').first().waitFor();
  check((await page.textContent('main')).includes('prewarm key collision'), 'the cause is not named');
});

test('Compare', 'LaysTheCurvesOfBothRunsOverEachOther', async (reader, world) => {
  const page = await reader.open(`/compare?run=${world.runs.parted}&base=${world.runs.healthy}`);
  await page.locator('#loss canvas').waitFor();
  const legend = await page.locator('#loss .legend').textContent();
  check(legend.includes('sm_121 base') && legend.includes('sm_121 run'), `curves: ${legend}`);
});

test('Compare', 'TakesBothRunsFromTheAddress', async (reader, world) => {
  const page = await reader.open(`/compare?run=${world.runs['wrong-eps']}&base=${world.runs['short-key']}`);
  await page.getByRole('heading', { name: 'Base', exact: true }).waitFor();
  check((await page.textContent('main')).includes('topic/rope'), 'the base is another run');
});

test('Trends', 'DrawsEachMeasureWithItsNumbers', async (reader) => {
  const page = await reader.open('/trends?repository=acme/kernels&branch=main');
  await page.getByRole('heading', { name: 'Final loss' }).waitFor();
  await page.locator('canvas').nth(4).waitFor();
  await page.getByText('The numbers as a table').first().click();
  check(/\d\.\d{4}/.test(await page.locator('details[open] tbody').first().textContent()), 'no loss in the table');
});

test('Runners', 'SaysWhyAJobWaits', async (reader) => {
  const page = await reader.open('/runners');
  await page.getByRole('row', { name: /emulated-sm_121/ }).waitFor();
  const waits = page.getByRole('row', { name: /acme\/hopper/ });
  check(/sm_90/.test(await waits.textContent()) && /no runner/i.test(await waits.textContent()), await waits.textContent());
});

test('Runners', 'SaysWhichCallsToGitHubWaitAndWhy', async (reader) => {
  const page = await reader.open('/runners');
  await page.locator('#outbox').getByText(/\d+ waiting, the oldest since/).waitFor();
  const row = page.locator('#outbox tbody tr', { hasText: 'is tried again' }).first();
  check(/connect/i.test(await row.textContent()), `no error: ${await row.textContent()}`);
});

test('Page', 'AnswersWithAStrictPolicy', async (_reader, world) => {
  const index = await fetch(`${world.url}/runs/anything`);
  const policy = index.headers.get('content-security-policy');
  for (const part of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"])
    check(policy.includes(part), `the policy lacks ${part}`);
  equal(index.headers.get('cache-control'), 'no-cache');
  equal(index.headers.get('x-content-type-options'), 'nosniff');
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(await index.text())[1];
  const asset = await fetch(world.url + script);
  check(/immutable/.test(asset.headers.get('cache-control')), 'the script is not kept');
  equal(asset.headers.get('content-encoding'), 'gzip');
  equal((await fetch(`${world.url}/assets/none.js`)).status, 404);
});

test('Page', 'SaysWhereNothingIs', async (reader) => {
  const page = await reader.open('/no/where');
  await page.getByRole('heading', { name: 'Not found' }).waitFor();
  await page.getByRole('link', { name: 'To the board', exact: true }).click();
  await page.getByRole('heading', { name: 'Board' }).waitFor();
});

test('Page', 'GoesWhereTheKeyboardSays', async (reader) => {
  const page = await reader.open('/');
  await page.keyboard.press('Tab');
  equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('r');
  await page.getByRole('heading', { name: 'Runners and queue' }).waitFor();
  equal(await page.evaluate(() => document.activeElement.id), 'main', 'focus');
  await page.goBack();
  await page.getByRole('heading', { name: 'Board' }).waitFor();
});

test('Page', 'KeepsTheThemeThatWasChosen', async (reader) => {
  const page = await reader.open('/', { colorScheme: 'dark' });
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  equal(await theme(), 'dark');
  await page.getByRole('button', { name: 'Light theme' }).click();
  equal(await theme(), 'light');
  await page.reload();
  equal(await theme(), 'light');
});
