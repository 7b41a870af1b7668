import { equal, test, barriers, check } from './harness.mjs';

const kPages = {
  Board: () => '/',
  FailingRun: (world) => `/runs/${world.runs['shared-key']}?key=silu_forward`,
  LargeRun: (world) => `/runs/${world.runs.large}`,
  HeldRun: (world) => `/runs/${world.runs.held}`,
  Log: (world) => `/runs/${world.runs.large}/log/sm_89#L20`,
  Compare: (world) => `/compare?run=${world.runs['short-key']}`,
  Trends: () => '/trends',
  Runners: () => '/runners',
  AuditWithoutAToken: () => '/audit',
};

async function settled(page) {
  await page.locator('main h1, main .notice').first().waitFor();
  await page.locator('.loading').first().waitFor({ state: 'detached' });
}

for (const [name, path] of Object.entries(kPages)) {
  for (const colorScheme of ['light', 'dark'])
    test('Access', `KeepsNobodyOutOf${name}In${colorScheme}`, async (reader, world) => {
      const page = await reader.open(path(world), { colorScheme });
      await settled(page);
      equal(await barriers(page), '', 'barriers');
    });
  test('Phone', `Fits${name}In360Pixels`, async (reader, world) => {
    const page = await reader.open(path(world), { viewport: { width: 360, height: 740 } });
    await settled(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    check(width <= 360, `the page is ${width} pixels wide`);
  });
}

test('Access', 'KeepsNobodyOutOfAnEmptyServer', async (reader, world) => {
  const page = await reader.open('/', { origin: world.empty });
  await settled(page);
  equal(await barriers(page), '', 'barriers');
});

const kNoToken = `globalThis.fetch = async () => new Response(JSON.stringify({ title: 'Unauthorized', detail: 'a token', next: 'make one' }),
  { status: 401, headers: { 'Content-Type': 'application/problem+json' } });`;

test('Phone', 'FitsTheFieldForATokenIn360Pixels', async (reader) => {
  const page = await reader.open('/', { viewport: { width: 360, height: 740 }, script: kNoToken });
  const field = await page.getByLabel('Token with the scope read').boundingBox();
  check(field.x >= 0 && field.x + field.width <= 348, `the field ends at ${field.x + field.width}`);
});
