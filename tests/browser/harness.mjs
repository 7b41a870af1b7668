// Starts what is looked at (serve.py) and the browser, runs the cases one after the other, and writes them down as
// GoogleTest does, so that each is counted. A page that asks another server for something, or complains on its console,
// fails the case that opened it.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const kHere = dirname(fileURLToPath(import.meta.url));
const kAxe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kFlags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const kPatience_ms = 15_000;  // for a sanitized server on a busy machine

const cases = [];
export function test(subject, sentence, body) {
  cases.push({ subject, sentence, body });
}

export function check(condition, message) {
  if (!condition) throw new Error(message);
}

export function equal(actual, expected, what = 'value') {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what} is ${a}, expected ${b}`);
}

async function startServers(build) {
  const child = spawn('python3', [join(kHere, 'serve.py'), build], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error('serve.py ended before it was ready');
  const stop = () => new Promise((resolve) => {
    child.on('exit', resolve);
    child.stdin.end();
  });
  return { world: JSON.parse(first.value), stop };
}

/** A page of its own context; `complaints` gathers what must not happen. */
export class Reader {
  constructor(browser, origin, complaints) {
    Object.assign(this, { browser, origin, complaints, contexts: [] });
  }

  async open(path, options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    this.contexts.push(context);
    context.setDefaultTimeout(kPatience_ms);
    const page = await context.newPage();
    if (options.script) await page.addInitScript(options.script);
    const origin = options.origin ?? this.origin;
    page.on('request', (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) this.complaints.push(`asked for ${request.url()}`);
    });
    page.on('pageerror', (error) => this.complaints.push(`error: ${error.message}`));
    page.on('console', (message) => {
      const expected = /Failed to load resource/.test(message.text());  // problems that a case provokes are shown by the page
      if (['error', 'warning'].includes(message.type()) && !expected) this.complaints.push(`console: ${message.text()}`);
    });
    await page.goto(origin + path);
    return page;
  }

  async close() {
    for (const context of this.contexts.splice(0)) await context.close();
  }
}

/** Findings of axe that keep people out, as one text. */
export async function barriers(page) {
  await page.evaluate(kAxe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target} (${node.any[0]?.message ?? node.failureSummary})`).join('; ')}`).join('\n');
}

function escape(text) {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`).replace(/[\x00-\x08\x0b-\x1f]/g, '');
}

/** Where GTEST_OUTPUT (xml:FOLDER/) says, under the name of the ctest entry. */
function writeResults(results) {
  const folder = /^xml:(.*\/)$/.exec(process.env.GTEST_OUTPUT ?? '')?.[1];
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  const rows = results.map(({ subject, sentence, ms, error }) =>
    `<testcase name="${escape(sentence)}" classname="${escape(subject)}" status="run" result="completed" time="${ms / 1000}">`
    + (error ? `<failure message="${escape(error)}"/>` : '') + '</testcase>');
  writeFileSync(join(folder, 'browser_test.xml'), `<?xml version="1.0"?><testsuites><testsuite name="browser">${rows.join('\n')}</testsuite></testsuites>\n`);
}

async function runCase({ subject, sentence, body }, reader, world) {
  const begun = performance.now();
  let error = null;
  try {
    await body(reader, world);
    if (reader.complaints.length > 0) throw new Error(reader.complaints.join('\n'));
  } catch (thrown) {
    error = thrown.stack ?? String(thrown);
    const folder = process.env.SMGATE_PICTURES;
    const page = reader.contexts.at(-1)?.pages()[0];
    if (folder && page) await page.screenshot({ path: join(folder, `failed-${subject}-${sentence}.png`) });
  }
  await reader.close();
  reader.complaints.length = 0;
  const ms = Math.round(performance.now() - begun);
  console.log(`${error ? 'FAILED' : 'ok    '} ${subject}.${sentence} (${ms} ms)${error ? `\n${error}` : ''}`);
  return { subject, sentence, ms, error };
}

export async function main(build, only = '') {
  const { world, stop } = await startServers(build);
  const browser = await chromium.launch({ executablePath: process.env.SMGATE_CHROMIUM ?? '/usr/bin/chromium', headless: false, args: kFlags });
  const results = [];
  try {
    const reader = new Reader(browser, world.url, []);
    for (const one of cases) if (`${one.subject}.${one.sentence}`.includes(only)) results.push(await runCase(one, reader, world));
  } finally {
    await browser.close();
    await stop();
  }
  writeResults(results);
  const failed = results.filter(({ error }) => error).length;
  console.log(`${results.length - failed} passed, ${failed} failed`);
  return failed === 0 && results.length > 0 ? 0 : 1;
}
