import { check, equal, test } from './harness.mjs';

test('EmptyServer', 'TellsHowToSendTheFirstWebhook', async (reader, world) => {
  const page = await reader.open('/', { origin: world.empty });
  await page.getByRole('heading', { name: 'Nothing has been pushed yet' }).waitFor();
  check((await page.textContent('main')).includes(`${world.empty}/webhooks/github`), 'the address of the webhook is not shown');
});

test('EmptyServer', 'ShowsEveryPageWithoutAnyRun', async (reader, world) => {
  for (const path of ['/compare', '/trends', '/runners']) {
    const page = await reader.open(path, { origin: world.empty });
    await page.locator('.empty').first().waitFor();
    equal(await page.locator('.notice.bad').count(), 0, `problems at ${path}`);
  }
});

test('Board', 'HasABranchARowAndAnArchitectureAColumn', async (reader) => {
  const page = await reader.open('/');
  await page.getByRole('row', { name: /topic\/shorter-macro/ }).waitFor();
  const heads = await page.getByRole('columnheader').allTextContents();
  equal(heads, ['Branch', 'Verdict', 'sm_89', 'sm_90', 'sm_121', 'Commit'], 'heads');
  const main = page.getByRole('row', { name: /^main acme\/kernels/ });
  equal(await main.locator('.verdict.pass').count(), 3, 'green marks of main');
});

test('Board', 'LeadsToTheGuiltyKeyInTwoClicks', async (reader) => {
  const page = await reader.open('/');
  await page.getByRole('link', { name: 'topic/shorter-macro' }).click();
  await page.locator('.cause.first .guilty').first().click();
  await page.locator('.key-detail').waitFor();
  check((await page.textContent('.key-detail')).includes('silu_forward'), 'the detail is not of the key');
  check(new URL(page.url()).searchParams.get('key') === 'silu_forward', `the address does not hold the key: ${page.url()}`);
});

test('Board', 'ShowsWhatTheRunBeforeWas', async (reader, world) => {
  const page = await reader.open('/');
  const row = page.getByRole('row', { name: /^main acme\/large/ });
  await row.getByRole('link', { name: `fail ${world.commits.large.slice(0, 7)}` }).click();
  await page.locator('.run-head .verdict.fail').waitFor();
  equal(new URL(page.url()).pathname, `/runs/${world.runs.large}`);
});

test('Board', 'SearchesAndKeepsTheSearchInTheAddress', async (reader) => {
  const page = await reader.open('/');
  await page.getByRole('row', { name: /^main acme\/kernels/ }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('rope');
  await page.getByRole('row', { name: /^main acme\/kernels/ }).waitFor({ state: 'detached' });
  equal(new URL(page.url()).searchParams.get('q'), 'rope');
  const again = await reader.open(`/${new URL(page.url()).search}`);
  await again.getByRole('row', { name: /topic\/rope/ }).waitFor();
  equal(await again.locator('tbody tr').count(), 1, 'rows');
});
