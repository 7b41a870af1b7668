// A run: why it came out so, its architectures, curves, kernel cache, clauses and findings; live until it is over.
import { get } from '../api';
import { announce, debounce, h, replace } from '../dom';
import { follow, onChange } from '../live';
import { byArch, isLive, loading, problemCard } from '../parts';
import { type Place, type View } from '../router';
import type { Curve, Job, Queue, RunDetail } from '../types';
import { cacheView, type CacheView } from './run_cache';
import { archTabs, clausesCard, findingsCard } from './run_clauses';
import { causesCard, jobCard, runHeader } from './run_head';
import { lossView, type LossView } from './run_loss';
import { togetherCard } from './run_together';

const kSections = [['causes', 'Why'], ['architectures', 'Architectures'], ['loss', 'Loss'], ['cache', 'Kernel cache'], ['together', 'Compared'],
  ['clauses', 'Clauses'], ['findings', 'Findings']];

class RunView implements View {
  private readonly abort = new AbortController();
  private run: RunDetail | null = null;
  private loss: LossView | null = null;
  private cache: CacheView | null = null;
  private readonly streams = new Map<string, () => void>();
  private readonly head = h('div');
  private readonly sections = h('nav.sections.small', { 'aria-label': 'On this page' });
  private readonly causes = h('div.slot');
  private readonly jobs = h('div.jobs', { id: 'architectures' });
  private readonly together = h('div.slot');
  private readonly clauses = h('div.slot');
  private readonly findings = h('div.stack.slot');
  private readonly stop: () => void;
  private arch: string | null;

  constructor(private readonly id: string, place: Place, private readonly main: HTMLElement) {
    this.arch = place.query.get('arch');
    main.append(loading());
    void this.load();
    const again = debounce(120, () => void this.load());
    this.stop = onChange((change) => (change === null || change.run === id) && again());
  }

  private async load(): Promise<void> {
    try {
      const run = await get<RunDetail>(`/api/v1/runs/${this.id}`, this.abort.signal);
      run.jobs.sort((a, b) => byArch(a.arch, b.arch));
      const waits = run.jobs.some((job) => job.state === 'queued') && isLive(run);
      const queue = waits ? await get<Queue>(`/api/v1/queue?run=${this.id}`, this.abort.signal) : { jobs: [] };
      this.draw(run, new Map(queue.jobs.map((job) => [job.job, job.reason.text])));
    } catch (error) {
      if (this.abort.signal.aborted) return;
      if (this.run) announce('The run could not be read again.');
      else replace(this.main, problemCard(error));
    }
  }

  private build(run: RunDetail): void {
    this.loss = lossView();
    this.cache = cacheView(run);
    replace(this.main, h('div.stack', this.head, this.sections, this.causes, this.jobs, this.loss.node, this.cache.node, this.together, this.clauses, this.findings));
  }

  private draw(run: RunDetail, reasons: Map<string, string>): void {
    const before = this.run;
    if (!before) this.build(run);
    this.run = run;
    document.title = `${run.verdict ?? run.state}: ${run.branch} · smgate`;
    if (before && before.verdict !== run.verdict && run.verdict) announce(`The run ended: ${run.verdict}`);
    replace(this.head, runHeader(run));
    replace(this.causes, causesCard(run));
    replace(this.jobs, run.jobs.map((job) => jobCard(run, job, reasons)));
    replace(this.together, togetherCard(run));
    replace(this.clauses, clausesCard(run));
    this.drawFindings(run);
    replace(this.sections, kSections.filter(([id]) => (document.getElementById(id as string)?.childElementCount ?? 0) > 0)
      .map(([id, text]) => h('a', { href: `#${id}` }, text)));
    const same = before?.jobs.map((job) => job.id + job.attempt + job.state).join() === run.jobs.map((job) => job.id + job.attempt + job.state).join();
    void (same ? Promise.resolve() : this.loss?.setJobs(run.jobs))?.then(() => this.watch(run));
    this.cache?.setRun(run);
    if (!before && location.hash !== '') document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }

  private drawFindings(run: RunDetail): void {
    const of = this.arch && run.jobs.some((job) => job.arch === this.arch) ? this.arch : null;
    const chosen = { ...run, jobs: run.jobs.filter((job) => of === null || job.arch === of) };
    const any = run.jobs.some((job) => job.findings.length + job.warnings.length > 0);
    replace(this.findings, any && run.jobs.length > 1 && archTabs(run, of, (arch) => {
      this.arch = arch;
      this.drawFindings(run);
    }), findingsCard(chosen, false), findingsCard(chosen, true));
  }

  /** While a job runs its points and its state come by its own stream, behind those that are here. */
  private watch(run: RunDetail): void {
    if (this.abort.signal.aborted) return;
    for (const job of run.jobs) {
      if ((job.state !== 'leased' && job.state !== 'reported') || this.streams.has(job.id)) continue;
      const known = this.loss?.curve(job.id);
      this.showSteps(job.id);
      this.streams.set(job.id, follow(`/api/v1/jobs/${job.id}/stream`, (event) => {
        if (event.event === 'curve') this.take(JSON.parse(event.data) as Curve);
        else if (event.event === 'job') this.takeJob(JSON.parse(event.data) as Job);
        else if (event.event === 'end') {
          this.streams.delete(job.id);
          void this.load();
        }
      }, undefined, known && `${known.attempt}-${known.next}-0-`));
    }
  }

  private take(curve: Curve): void {
    this.loss?.append(curve);
    this.showSteps(curve.job);
  }

  private showSteps(id: string): void {
    const points = this.loss?.curve(id)?.points;
    const job = this.run?.jobs.find((one) => one.id === id);
    const last = points?.step.at(-1);
    if (job && points && last !== undefined)
      this.takeJob({ ...job, steps: last + 1, initial_loss: job.initial_loss ?? points.loss[0] ?? null, final_loss: points.loss.at(-1) ?? null });
  }

  private takeJob(job: Job): void {
    const run = this.run;
    const at = run?.jobs.findIndex((one) => one.id === job.id) ?? -1;
    const known = run?.jobs[at];
    if (!run || !known) return;
    run.jobs[at] = { ...known, ...job };
    this.jobs.children[at]?.replaceWith(jobCard(run, run.jobs[at] as RunDetail['jobs'][number], new Map()));
  }

  update(place: Place): boolean {
    if (!this.run) return false;
    this.arch = place.query.get('arch');
    this.drawFindings(this.run);
    this.cache?.open(place.query.get('key'));
    if (place.hash !== '') document.getElementById(place.hash.slice(1))?.scrollIntoView();
    return true;
  }

  close(): void {
    this.abort.abort();
    this.stop();
    for (const end of this.streams.values()) end();
    this.loss?.close();
    this.cache?.close();
  }
}

export function showRun(place: Place, main: HTMLElement): View {
  return new RunView(place.params.id ?? '', place, main);
}
