// What a reader changes from the page. These come last: they change what the others look at.
import { check, equal, test, barriers } from './harness.mjs';

const dialog = (page) => page.locator('dialog.ask');

/** Presses a button of the page, gives the token where the dialog asks for one, and does it. */
async function act(page, name, token) {
  await page.getByRole('button', { name, exact: true }).first().click();
  await dialog(page).waitFor();
  const field = dialog(page).getByLabel(/Token with the scope/);
  if (await field.isVisible()) await field.fill(token);
  await dialog(page).getByRole('button', { name, exact: true }).click();
}

test('Action', 'AsksForATokenAndKeepsItOutOfEveryAddress', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.waiting}`);
  const asked = [];
  page.on('request', (request) => asked.push(request));
  await act(page, 'Cancel', 'smga_of_nobody');
  await dialog(page).getByText('this API token is not known').waitFor();
  equal(await page.evaluate(() => sessionStorage.length), 0, 'tokens kept');
  await dialog(page).getByLabel(/Token with the scope cancel/).fill(world.token);
  await page.keyboard.press('Enter');
  await page.locator('.run-head .verdict.cancelled').waitFor();
  equal(await page.evaluate(() => Object.values({ ...sessionStorage })), [world.token], 'tokens kept');
  equal(await page.evaluate(() => localStorage.length + document.cookie.length), 0, 'kept elsewhere');
  const posts = asked.filter((request) => request.method() === 'POST');
  equal(posts.map((request) => request.headers().authorization), ['Bearer smga_of_nobody', `Bearer ${world.token}`], 'headers');
  check(![page.url(), ...asked.map((request) => request.url())].some((url) => /smga_/.test(url)), 'a token is in an address');
});

test('Action', 'RunsAgainAndSaysWhoAskedForIt', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.waiting}`);
  await act(page, 'Run again', world.token);
  await page.locator('.run-head .verdict.busy').waitFor();
  equal(await dialog(page).count(), 0, 'dialogs');
  await page.getByText(/Before: .*2 actions/).click();
  await page.getByText(/rerun by token reader/).waitFor();
});

test('Action', 'RunsOneArchitectureAgain', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['short-key']}`);
  await act(page, 'Run sm_121 again', world.token);
  await page.getByText(/Before: 1 verdict/).waitFor();
  const run = await (await fetch(`${world.url}/api/v1/runs/${world.runs['short-key']}`)).json();
  equal(run.actions.map(({ kind, arch }) => `${kind} ${arch}`), ['rerun sm_121'], 'actions');
});

test('Action', 'ApprovesTheHeldHeadOfAFork', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.held}`);
  await page.getByText('waits for approval').waitFor();
  await act(page, 'Approve', world.token);
  await page.getByText('waits for approval').waitFor({ state: 'detached' });
  await page.getByText(/Before: .*1 action/).waitFor();
});

test('Action', 'DrainsARunnerAndGivesItJobsAgain', async (reader, world) => {
  const page = await reader.open('/runners');
  const row = page.getByRole('row', { name: /emulated-sm_89/ });
  await row.getByRole('button', { name: 'Drain' }).click();
  await dialog(page).getByLabel(/Token with the scope drain/).fill(world.token);
  equal(await barriers(page), '', 'barriers of the dialog');
  await page.keyboard.press('Enter');
  await row.getByText('drained').waitFor();
  await row.getByRole('button', { name: 'Undrain' }).click();
  check(!(await dialog(page).getByLabel(/Token/).isVisible()), 'the token is asked for again');
  await dialog(page).getByRole('button', { name: 'Undrain' }).click();
  await row.getByRole('button', { name: 'Drain', exact: true }).waitFor();
});

test('Action', 'SaysWhyNothingWasDone', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.healthy}`);
  await page.route('**/rerun', async (route) => {  // meanwhile somebody else was faster
    await fetch(`${world.url}/api/v1/runs/${world.runs.healthy}/rerun`, { method: 'POST', headers: { Authorization: `Bearer ${world.token}` } });
    await route.continue();
  });
  await act(page, 'Run again', world.token);
  await dialog(page).getByText('What to do:').waitFor();
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
});
