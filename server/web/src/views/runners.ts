// Who runs jobs, and which jobs wait and why.
import { get } from '../api';
import { debounce, h, replace } from '../dom';
import { bytes, count } from '../format';
import { onChange } from '../live';
import { card, commit, emulatedTag, loading, problemCard, timeAgo } from '../parts';
import type { Place, View } from '../router';
import type { Queue, Runner, WaitingJob } from '../types';

const kRefresh_ms = 15_000;  // who is connected changes without an event

function state(runner: Runner): HTMLElement {
  const [tone, text] = runner.revoked ? ['', 'revoked'] : !runner.online ? ['off', 'offline'] : runner.drained ? ['', 'drained']
    : runner.draining ? ['', 'stopping'] : ['on', (runner.busy_slots ?? 0) > 0 ? 'working' : 'free'];
  return h('span.nowrap', h(`span.dot${tone ? `.${tone}` : ''}`, { 'aria-hidden': 'true' }), ' ', text);
}

function runnerRow(runner: Runner): HTMLElement {
  return h('tr', h('th', { scope: 'row' }, runner.name, runner.host && h('div.small.quiet', runner.host)), h('td', state(runner)),
    h('td', runner.arch, ' ', runner.device && emulatedTag(runner.device.emulated)),
    h('td', runner.device ? [runner.device.name, h('div.small.quiet', `${bytes(runner.device.memory_bytes)}${runner.device.unified ? ', unified' : ''}`)] : '–'),
    h('td.number', `${runner.busy_slots ?? 0} of ${runner.slots}`), h('td', runner.version ?? '–'),
    h('td', runner.online ? 'now' : timeAgo(runner.last_seen_at)));
}

function jobRow(job: WaitingJob): HTMLElement {
  return h('tr', h('th', { scope: 'row' }, h('a', { href: `/runs/${job.run}` }, job.branch), h('div.small.quiet', job.repository)),
    h('td', job.arch), h('td', job.reason.text), h('td', commit(job.commit)), h('td', timeAgo(job.queued_at)));
}

function table(label: string, head: string[], rows: HTMLElement[]): HTMLElement {
  return h('div.scroll', { tabindex: '0', role: 'region', 'aria-label': label },
    h('table', h('thead', h('tr', head.map((text) => h(text === 'Busy' ? 'th.number' : 'th', { scope: 'col' }, text)))), h('tbody', rows)));
}

export function showRunners(_place: Place, main: HTMLElement): View {
  const abort = new AbortController();
  const body = h('div.stack', loading());
  main.append(h('div.stack', h('h1', 'Runners and queue'), body));

  async function load(): Promise<void> {
    try {
      const [{ runners }, queue] = await Promise.all([
        get<{ runners: Runner[] }>('/api/v1/runners', abort.signal), get<Queue>('/api/v1/queue', abort.signal)]);
      const waiting = queue.jobs.length === 0 ? h('p.empty', 'No job waits.')
        : table('Waiting jobs', ['Branch', 'Architecture', 'Why it waits', 'Commit', 'Since'], queue.jobs.map(jobRow));
      const hosts = runners.length === 0
        ? h('div.empty', h('p', 'No runner has a token yet. Make one on the server, and start the agent on the GPU host:'),
          h('pre.code', 'smgate-server token create --runner gpu-1 --arch sm_89 --config server.jsonc'))
        : table('Runners', ['Runner', 'State', 'Architecture', 'Device', 'Busy', 'Version', 'Last seen'], runners.map(runnerRow));
      replace(body, card('Queue', waiting, h('span.small.quiet', queue.total > queue.jobs.length ? `the oldest ${queue.jobs.length} of ${count(queue.total)}` : `${count(queue.total)} waiting`)),
        card('Runners', hosts, h('span.small.quiet', `${runners.filter((runner) => runner.online).length} of ${runners.length} online`)));
    } catch (error) {
      if (!abort.signal.aborted) replace(body, problemCard(error));
    }
  }

  void load();
  const timer = setInterval(() => void (document.visibilityState === 'visible' && load()), kRefresh_ms);
  const stop = onChange(debounce(150, () => void load()));
  return {
    close() {
      abort.abort();
      stop();
      clearInterval(timer);
    },
  };
}
