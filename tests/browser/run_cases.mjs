import { openSync, writeSync, closeSync } from 'node:fs';
import { check, equal, test } from './harness.mjs';

test('Run', 'NamesTheMostUpstreamCauseFirst', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['short-key']}`);
  await page.locator('.cause.first').waitFor();
  check(/prewarm key drift/i.test(await page.locator('.cause.first h3').textContent()), 'drift does not come first');
  check(/prewarm missing/i.test(await page.locator('.cause').nth(1).textContent()), 'the missing key does not come second');
});

test('Run', 'ShowsTheVerdictWithSymbolAndText', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.healthy}`);
  const verdict = page.locator('.run-head .verdict');
  await verdict.waitFor();
  equal(await verdict.textContent(), '✓pass');
  equal(await page.locator('.cause').count(), 0, 'causes of a green run');
});

test('Run', 'ComparesItsArchitectures', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.healthy}`);
  const row = page.locator('#together tr', { hasText: 'KC-8' });
  equal(await row.locator('.verdict').textContent(), '✓pass');
});

test('Run', 'SaysWhoseFailureItIs', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['shared-key']}`);
  check(/this change brought it/.test(await page.locator('.run-head .blame').textContent()), 'the base passed, and nothing says so');
});

test('Run', 'SaysWhereTheCurvesPart', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.parted}`);
  await page.locator('#loss canvas').waitFor();
  await page.getByText('sm_121 leaves the band of sm_89 at step 6: +20 %.').waitFor();
  equal(await page.locator('#loss .legend').textContent(), 'sm_89sm_121within 5 % of sm_89');
});

test('Run', 'SaysWhatOfACurveIsMissing', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['shared-key']}`);
  await page.getByText('sm_121 reported no step.').waitFor();
  const healthy = await reader.open(`/runs/${world.runs.healthy}`);
  await healthy.getByText('sm_121 stays within 5 % of sm_89.').waitFor();
});

test('Run', 'ShowsEachKeyByColourSymbolAndText', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['wrong-eps']}?state=drifted`);
  const cell = page.locator('.matrix-cell .state.bad').first();
  await cell.waitFor();
  equal((await cell.textContent()).trim(), '≠ drifted');
  await cell.click();
  await page.locator('.key-detail .tokens').first().waitFor();
  const tokens = await page.locator('.key-detail .tokens').first().textContent();
  check(tokens.includes('1e-06') && tokens.includes('1e-05'), `both values decoded: ${tokens}`);
});

test('Run', 'OpensAKeyFromItsAddress', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['shared-key']}?key=silu_forward&arch=sm_121`);
  await page.locator('.key-detail').waitFor();
  equal(await page.locator('.matrix-row[aria-selected="true"] .key').textContent(), 'silu_forward');
  equal(await page.getByRole('group', { name: 'Findings of' }).locator('[aria-pressed="true"]').textContent(), 'sm_121');
});

test('Run', 'MovesInTheMatrixByArrowKeys', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.large}`);
  await page.locator('.matrix [tabindex="0"]').first().focus();
  for (const key of ['End', 'ArrowRight', 'ArrowUp']) await page.keyboard.press(key);
  const focused = page.locator('.matrix-row:focus-within');
  equal(await focused.getAttribute('aria-rowindex'), '10000', 'row');
  await page.keyboard.press('Enter');
  await page.locator('.key-detail').waitFor();
});

test('Run', 'DrawsOnlyTheRowsInSightOfTenThousand', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.large}`);
  await page.getByText('10,000 keys').waitFor();
  check(await page.locator('.matrix-rows .matrix-row').count() < 100, 'all rows were drawn');
  await page.locator('.matrix-rows').evaluate((node) => { node.scrollTop = node.scrollHeight; });
  await page.locator('[aria-rowindex="10001"]').waitFor();
  await page.locator('input[type="search"]').fill('gemm_forward_42_');
  await page.getByText('100 of 10,000 keys').waitFor();
});

/** Drags over the middle tenth of the loss curve; what the server then sends of it. */
async function zoom(page) {
  const box = await page.locator('#loss .u-over').boundingBox();
  const answer = page.waitForResponse(/\/api\/v1\/curves\?.*from=/);
  await page.mouse.move(box.x + box.width * 0.45, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.55, box.y + 50, { steps: 4 });
  await page.mouse.up();
  const response = await answer;
  const query = new URL(response.url()).searchParams;
  return { from: Number(query.get('from')), to: Number(query.get('to')), curve: (await response.json()).curves[0] };
}

// What is drawn is counted, not timed: pieces of lines on a canvas, for all that the page draws.
const kCountLines = `globalThis.lines = 0;
  for (const kind of [Path2D, CanvasRenderingContext2D]) {
    const lineTo = kind.prototype.lineTo;
    kind.prototype.lineTo = function (...at) { ++globalThis.lines; return lineTo.apply(this, at); };
  }`;

test('Run', 'ThinsOutAMillionPointsAndShowsEveryPointOfAPart', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.large}`, { script: kCountLines });
  await page.getByText(/1,000,000 points, thinned out/).waitFor();
  let part = { curve: null };
  for (const left of [/thinned out/, /thinned out/, null]) {
    part = await zoom(page);
    check(part.curve.points.step.length <= 2000, `${part.curve.points.step.length} points came`);
    check(part.curve.points.step.every((step) => step >= part.from && step <= part.to), 'points beside the part came');
    if (left) await page.getByText(/points in this part, thinned out/).waitFor();
  }
  await page.getByText(/thinned out/).waitFor({ state: 'detached' });
  equal(part.curve.points.step.length, part.to - part.from + 1, 'points of the part');
  equal(new URL(page.url()).searchParams.get('steps'), `${part.from}-${part.to}`, 'the range in the address');
  const drawn = await page.evaluate(() => globalThis.lines);
  check(drawn > 500 && drawn < 50_000, `${drawn} lines were drawn`);
});

test('Run', 'AsksOnlyForThePartThatItsAddressNames', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.large}?steps=500000-500999`);
  const response = await page.waitForResponse(/\/api\/v1\/curves\?.*from=500000&to=500999/);
  equal((await response.json()).curves[0].points.step.length, 1000, 'points');
  await page.getByRole('button', { name: 'Whole range' }).click();
  await page.getByText(/1,000,000 points, thinned out/).waitFor();
});

test('Run', 'HasATimeLineOfLateCompiles', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['shared-key']}?time=whole`);
  const lane = page.locator('.lane').first();
  await lane.locator('.late').first().waitFor();
  check(await lane.locator('.span.prewarm').count() > 0 && await lane.locator('.span.steps').count() > 0, 'pre-warm and steps');
  check(/late compile/.test(await lane.locator('.track').getAttribute('aria-label')), 'no words for the lane');
});

test('Run', 'HasEveryClauseOfBothContracts', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['shared-key']}#KC-2`);
  await page.locator('#clauses tbody tr').first().waitFor();
  equal(await page.locator('#clauses tbody tr').count(), 18, 'clauses');
  check(await page.locator('#KC-2 .verdict.fail').count() > 0, 'KC-2 is not failed');
});

test('Run', 'FollowsAJobWhileItRuns', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.live}`);
  await page.getByText('No step has been reported yet.').waitFor();
  const log = await reader.open(`/runs/${world.runs.live}/log/sm_89`);
  await log.getByText('the job waits for its test').waitFor();
  const pipe = openSync(world.pipe, 'w');
  for (let i = 0; i < 3; ++i) writeSync(pipe, 'go\n');
  await page.getByText(/running, step 3/).waitFor();
  await log.getByText('step 2: go').waitFor();
  await page.locator('#loss canvas').waitFor();
  for (let i = 3; i < 20; ++i) writeSync(pipe, 'go\n');
  closeSync(pipe);
  await page.locator('.run-head .verdict.inconclusive').waitFor();
  check(/inconclusive/.test(await page.locator('#announcements').textContent()), 'the verdict was not announced');
});

test('Run', 'SaysOfARunWithoutJobsWhatItWaitsFor', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.held}`);
  await page.getByText('it is not run before somebody approves it').waitFor();
  await page.getByText('The matrix appears when the first job is judged.').waitFor();
});

test('Run', 'ShowsAProblemWithWhatToDo', async (reader) => {
  const page = await reader.open('/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV');
  const card = page.getByRole('alert');
  await card.waitFor();
  check((await card.textContent()).includes('What to do: '), 'no advice');
});

// As of a program that reports no lookups.
const kOnlyWarmed = `const real = globalThis.fetch;
  globalThis.fetch = async (...asked) => {
    const answer = await real(...asked);
    if (!String(asked[0]).includes('/coverage')) return answer;
    return new Response((await answer.text()).replaceAll('"state":"used"', '"state":"warmed"'), { headers: answer.headers });
  };`;

test('Run', 'ShowsKeysOfWhichNobodySaysWhetherTheyAreUsed', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.healthy}`, { script: kOnlyWarmed });
  await page.locator('.matrix-row .state', { hasText: 'warmed' }).first().click();
  await page.locator('.key-detail').getByText('the run does not report what it asks for').first().waitFor();
});

test('Run', 'CountsTheKeysOfEachArchitecture', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs['shared-key']}`);
  await page.locator('.key-counts li').first().waitFor();
  const counts = await page.locator('.key-counts li').allTextContents();
  equal(counts.length, 2, 'architectures');
  check(/^sm_89: 1 warmed, 1 used, 52 collided, \d+ late compiles$/.test(counts[0]), counts[0]);
});

test('Run', 'ReadsNumbersWithAsManyDigitsAsSaySomething', async (reader, world) => {
  const page = await reader.open(`/runs/${world.runs.parted}`);
  await page.locator('.run-head .reason', { hasText: 'went from 3.05301 to 3.33361' }).waitFor();
});
