import { check, equal, test } from './harness.mjs';

const path = (world) => `/runs/${world.runs.large}/log/sm_89`;

test('Log', 'ShowsWhatWasPrintedAsText', async (reader, world) => {
  const page = await reader.open(`${path(world)}#L5001`);
  const line = page.locator('[data-line="5001"]');
  await line.waitFor();
  equal(await line.textContent(), '5001error: unexpected gamma in <script>alert(1)</script>');
  equal(await page.locator('.log-line.marked').getAttribute('data-line'), '5001');
});

test('Log', 'SaysThatItIsNoLongerKept', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['wrong-eps']}`);
  const job = page.getByRole('region', { name: 'sm_89', exact: true });
  await job.getByText(/Log dropped on \d{4}-\d\d-\d\d .* UTC.*limits\.raw_days/).waitFor();
  equal(await job.getByRole('link', { name: 'Log' }).count(), 0, 'links to it');
  await page.goto(`${page.url()}/log/sm_89`);
  await page.getByRole('heading', { name: 'This log is no longer kept' }).waitFor();
  await page.getByRole('link', { name: 'verdict, findings, loss and kernel cache' }).click();
  await page.getByRole('heading', { name: 'Why it fails' }).waitFor();
});

test('Log', 'LinksEachLine', async (reader, world) => {
  const page = await reader.open(`${path(world)}#L2500`);
  await page.locator('.log-line.marked').waitFor();
  await page.locator('[data-line="2502"] a').click();
  await page.locator('[data-line="2502"].marked').waitFor();
  equal(new URL(page.url()).hash, '#L2502');
});

test('Log', 'SearchesAndJumpsFromHitToHit', async (reader, world) => {
  const page = await reader.open(path(world));
  await page.getByText('5,001 lines').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('line 499');
  await page.getByText('11 hits').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('n');
  await page.locator('[data-line="4990"].marked').waitFor();
  check(await page.locator('mark').count() > 0, 'hits are not marked');
  equal(new URL(page.url()).searchParams.get('q'), 'line 499');
});
