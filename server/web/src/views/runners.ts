// Who runs jobs, which jobs wait and why, and which calls to GitHub do.
import { actionButton } from '../actions';
import { get } from '../api';
import { h, replace, type Child } from '../dom';
import { bytes, count, plural, words } from '../format';
import { reloadOnChange } from '../live';
import { card, commit, emulatedTag, loading, problemCard, table, timeAgo } from '../parts';
import type { Place, View } from '../router';
import type { Call, Outbox, Queue, Runner, RunnerPage, WaitingJob } from '../types';

const kRefresh_ms = 15_000;  // who is connected changes without an event

function state(runner: Runner): HTMLElement {
  const [tone, text] = runner.revoked ? ['', 'revoked'] : !runner.online ? ['off', 'offline'] : runner.drained ? ['', 'drained']
    : runner.draining ? ['', 'stopping'] : ['on', (runner.busy_slots ?? 0) > 0 ? 'working' : 'free'];
  return h('span.nowrap', h(`span.dot${tone ? `.${tone}` : ''}`, { 'aria-hidden': 'true' }), ' ', text);
}

function drainButton(runner: Runner, again: () => void): Child {
  if (runner.revoked) return '';
  const drained = runner.drained ?? false;
  return actionButton({
    verb: drained ? 'Undrain' : 'Drain', title: drained ? `Give ${runner.name} jobs again?` : `Give ${runner.name} no new job?`, scope: 'drain',
    address: `/api/v1/runners/${encodeURIComponent(runner.name)}/${drained ? 'undrain' : 'drain'}`, done: again,
    text: drained ? 'It takes the next job that waits for its architecture.' : 'What it runs it finishes. It stays drained until you undrain it.' });
}

function runnerRow(runner: Runner, again: () => void): HTMLElement {
  return h('tr', { id: `runner-${runner.name}` }, h('th', { scope: 'row' }, runner.name, runner.host && h('div.small.quiet', runner.host)), h('td', state(runner)),
    h('td', runner.arch, ' ', runner.device && emulatedTag(runner.device.emulated)),
    h('td', runner.device ? [runner.device.name, h('div.small.quiet', `${bytes(runner.device.memory_bytes)}${runner.device.unified ? ', unified' : ''}`)] : '–'),
    h('td.number', `${runner.busy_slots ?? 0} of ${runner.slots}`), h('td', runner.version ?? '–'),
    h('td', runner.online ? 'now' : timeAgo(runner.last_seen_at)), h('td', drainButton(runner, again)));
}

function jobRow(job: WaitingJob): HTMLElement {
  return h('tr', h('th', { scope: 'row' }, h('a', { href: `/runs/${job.run}` }, job.branch), h('div.small.quiet', job.repository)),
    h('td', job.arch), h('td', job.reason.text), h('td', commit(job.commit)), h('td', timeAgo(job.queued_at)));
}

/** The name of a check is what its lane ends in; it says more than "set check". */
function callRow(call: Call): HTMLElement {
  const check = /^check\/.+\/[0-9a-f]{40,64}\/(.+)$/.exec(call.lane)?.[1];
  return h('tr', h('th', { scope: 'row' }, call.run ? h('a', { href: `/runs/${call.run}` }, check ?? words(call.kind)) : check ?? words(call.kind),
    h('div.small.quiet', `${words(call.kind)} · ${call.repository}`)),
  h('td', call.state === 'dead' ? h('span.bad-text', 'given up') : call.attempts === 0 ? 'waits' : 'is tried again'), h('td.number', count(call.attempts)),
  h('td', call.last_error ?? '–'), h('td', timeAgo(call.created_at)));
}

function outboxCard(outbox: Outbox, dead: Outbox): HTMLElement {
  const calls = [...dead.calls, ...outbox.calls];
  const left = outbox.pending + outbox.dead - calls.length;
  const node = card('Calls to GitHub', calls.length === 0 ? h('p.empty', 'No call waits, and none was given up.')
    : [table('Calls to GitHub', ['Call', 'State', 'Attempts', 'Last error', 'Since'], calls.map(callRow)), left > 0 && h('p.small.quiet.pad', `and ${plural(left, 'call')} more`)],
  h('span.small.quiet', `${count(outbox.pending)} waiting`, outbox.oldest_pending_at && [', the oldest since ', timeAgo(outbox.oldest_pending_at)],
    outbox.dead > 0 && `, ${count(outbox.dead)} given up`));
  node.id = 'outbox';
  return node;
}

export function showRunners(place: Place, main: HTMLElement): View {
  const abort = new AbortController();
  const body = h('div.stack', loading());
  main.append(h('div.stack', h('h1', 'Runners and queue'), body));

  async function load(): Promise<void> {
    try {
      const [{ runners, next }, queue, outbox, dead] = await Promise.all([
        get<RunnerPage>('/api/v1/runners', abort.signal), get<Queue>('/api/v1/queue', abort.signal),
        get<Outbox>('/api/v1/outbox?state=pending&limit=20', abort.signal), get<Outbox>('/api/v1/outbox?state=dead&limit=20', abort.signal)]);
      const waiting = queue.jobs.length === 0 ? h('p.empty', 'No job waits.')
        : table('Waiting jobs', ['Branch', 'Architecture', 'Why it waits', 'Commit', 'Since'], queue.jobs.map(jobRow));
      const hosts = runners.length === 0
        ? h('div.empty', h('p', 'No runner has a token yet. Make one on the server, and start the agent on the GPU host:'),
          h('pre.code', 'smgate-server token create --runner gpu-1 --arch sm_89 --config server.jsonc'))
        : table('Runners', ['Runner', 'State', 'Architecture', 'Device', 'Busy', 'Version', 'Last seen', ''], runners.map((runner) => runnerRow(runner, () => void load())));
      replace(body, card('Queue', waiting, h('span.small.quiet', queue.total > queue.jobs.length ? `the oldest ${queue.jobs.length} of ${count(queue.total)}` : `${count(queue.total)} waiting`)),
        card('Runners', hosts, h('span.small.quiet', `${runners.filter((runner) => runner.online).length} of ${next ? 'the first ' : ''}${count(runners.length)} online`)), outboxCard(outbox, dead));
    } catch (error) {
      if (!abort.signal.aborted) replace(body, problemCard(error));
    }
  }

  void load().then(() => document.getElementById(place.hash.slice(1))?.scrollIntoView());
  const timer = setInterval(() => void (document.visibilityState === 'visible' && load()), kRefresh_ms);
  const stop = reloadOnChange(() => void load(), abort);
  return {
    close() {
      stop();
      clearInterval(timer);
    },
  };
}
