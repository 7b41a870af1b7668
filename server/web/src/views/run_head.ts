// The top of a run: verdict, what it is a run of, and why it came out so, the most upstream cause first.
import { actionButton } from '../actions';
import { h, type Child } from '../dom';
import { count, duration, loss, plural, sha, words } from '../format';
import { badge, commit, droppedLog, emulatedTag, facts, jobBadge, keyText, prose, runBadge, timeAgo } from '../parts';
import { address } from '../router';
import type { Cause, JobDetail, RunDetail } from '../types';

const kBaseRules: Record<string, string> = { exact: 'as pushed', merge_base: 'the merge base', none: 'none' };

export function runHeader(run: RunDetail): HTMLElement {
  const rows: [string, Child][] = [
    ['commit', commit(run.commit)],
    ['base', [commit(run.policy_commit ?? run.base_commit), ' ', h('span.quiet.small', kBaseRules[run.base_rule] ?? run.base_rule)]],
    ['begun', timeAgo(run.created_at)],
  ];
  if (run.ended_at) rows.push(['took', duration(Date.parse(run.ended_at) - Date.parse(run.created_at))]);
  if (run.pull_request !== null) rows.splice(1, 0, ['pull request', `#${run.pull_request}`]);
  if (run.bootstrap) rows.push(['policy', 'its own: the base has none']);
  return h('header.run-head',
    h('p.small.quiet', run.repository),
    h('div.headline', h('h1', run.branch), h('span', { 'aria-live': 'polite' }, runBadge(run, true)),
      h('div.toolbar.push', runActions(run))),
    run.reason && h('p.reason', prose(run.reason)),
    run.blame && h('p.blame', prose(run.blame.text)),
    facts(rows),
    h('p.toolbar.small',
      run.base_commit && h('a', { href: address('/compare', { run: run.id }) }, 'Compare with the base'),
      h('a', { href: address('/trends', { repository: run.repository, branch: run.branch }) }, 'Trends of the branch'),
      h('a', { href: `/api/v1/runs/${run.id}`, target: '_blank', rel: 'noopener' }, 'JSON')),
    history(run));
}

function runActions(run: RunDetail): Child[] {
  const what = `${run.branch}, commit ${sha(run.commit)}`;
  const over = run.state === 'done' || run.state === 'cancelled';
  return [
    run.state === 'held' && actionButton({
      verb: 'Approve', title: 'Let this commit run?', scope: 'approve', address: `/api/v1/runs/${run.id}/approve`, body: { commit: run.commit },
      text: `${what} comes from a fork. Its code will run on your hosts; look at it first. The next push will be held again.` }),
    over ? actionButton({
      verb: 'Run again', title: 'Run again on every architecture?', scope: 'rerun', address: `/api/v1/runs/${run.id}/rerun`,
      text: `${what}. The verdict that it has now stays in its history.` })
      : actionButton({ verb: 'Cancel', title: 'Cancel this run?', scope: 'cancel', address: `/api/v1/runs/${run.id}/cancel`, text: `${what}. Jobs that run are stopped.` }),
  ];
}

function history(run: RunDetail): Child {
  const past = (run.history ?? []).map((one) => h('li', badge(one.verdict), ' ', one.reason, ' ', timeAgo(one.ended_at)));
  const asked = (run.actions ?? []).map((one) => h('li', `${one.kind}${one.arch ? ` of ${one.arch}` : ''} by ${one.actor} `, timeAgo(one.at)));
  if (past.length + asked.length === 0) return null;
  return h('details.small', h('summary', `Before: ${plural(past.length, 'verdict')}, ${plural(asked.length, 'action')}`), h('ul', past, asked));
}

export interface MergedCause {
  id: string;
  consequence_of: string | null;
  clauses: string[];
  of: { job: JobDetail; cause: Cause }[];
}

/** Alike causes of several architectures are one, in the order in which the first architecture names them. */
export function mergeCauses(jobs: JobDetail[]): MergedCause[] {
  const merged = new Map<string, MergedCause>();
  const longest = Math.max(0, ...jobs.map((job) => job.causes.length));
  for (let i = 0; i < longest; ++i)
    for (const job of jobs) {
      const cause = job.causes[i];
      if (!cause) continue;
      const known = merged.get(cause.id) ?? { id: cause.id, consequence_of: cause.consequence_of, clauses: [], of: [] };
      known.clauses = [...new Set([...known.clauses, ...cause.clauses])];
      known.of.push({ job, cause });
      merged.set(cause.id, known);
    }
  return [...merged.values()];
}

/** The key that this cause is about: the one that the server names for the first, else that of its first finding. */
function keyOf(job: JobDetail, cause: Cause): string | null {
  if (job.causes[0] === cause && job.guilty_key) return job.guilty_key;
  return job.findings.find((finding) => finding.explained_by === cause.id && finding.key)?.key ?? null;
}

function causeItem(run: RunDetail, merged: MergedCause, index: number): HTMLElement {
  const keys = new Map<string, string>();
  for (const { job, cause } of merged.of) {
    const key = keyOf(job, cause);
    if (key && !keys.has(key)) keys.set(key, job.arch);
  }
  const places = [...new Set(merged.of.flatMap(({ cause }) => cause.evidence.map((one) => one.at ?? '')))].filter(Boolean);
  return h('li.cause', { className: index === 0 ? 'cause first' : 'cause' },
    h('h3', h('span.rank', { 'aria-hidden': 'true' }, String(index + 1)), ' ', words(merged.id), ' ',
      merged.of.map(({ job }) => [h('span.tag', job.arch), ' '])),
    merged.of.map(({ job, cause }) => h('p', merged.of.length > 1 && h('span.quiet', `${job.arch}: `), prose(cause.text),
      !/explains/.test(cause.text) && h('span.quiet', ` Explains ${cause.explains} of ${plural(job.findings.length, 'finding')}.`))),
    keys.size > 0 && h('p', h('span.quiet', 'Guilty key: '), [...keys].map(([key, arch]) =>
      [h('a.key.guilty', { href: address(`/runs/${run.id}`, { arch, key }) }, keyText(key)), ' '])),
    places.length > 0 && h('p.small', h('span.quiet', 'Seen at '), places.slice(0, 3).map((place) => [h('code', place), ' ']),
      places.length > 3 && h('span.quiet', `and ${places.length - 3} more places`)),
    merged.consequence_of && h('p.small.quiet', `Follows from: ${words(merged.consequence_of)}`),
    h('p.small.quiet', 'Clauses ', merged.clauses.map((clause) => [h('a', { href: `#${clause}` }, clause), ' '])));
}

export function causesCard(run: RunDetail): HTMLElement | null {
  const causes = mergeCauses(run.jobs);
  if (causes.length === 0) return null;
  const title = run.verdict === 'inconclusive' ? 'Why nobody can say' : run.verdict === 'pass' ? 'Worth knowing' : 'Why it fails';
  return h('section.card', { id: 'causes' },
    h('header', h('h2', title), h('span.small.quiet', 'the most upstream cause first')),
    h('ol.causes', causes.map((cause, i) => causeItem(run, cause, i))));
}

function stages(job: JobDetail): Child {
  return job.stages.length > 0 && h('ul.stages.small', job.stages.map((stage) =>
    h('li', h('span', stage.name), ' ', h('span.quiet', stage.outcome === null ? 'runs'
      : `${words(stage.outcome)}${stage.outcome === 'failed' ? ` (${stage.signal ? `signal ${stage.signal}` : `exit ${stage.exit_code}`})` : ''}, ${duration(stage.duration_ms)}`))));
}

function waiting(job: JobDetail, reasons: Map<string, string>): Child {
  if (job.state !== 'queued') return null;
  return h('p.small', reasons.get(job.id) ?? 'Waits for a runner.');
}

export function jobCard(run: RunDetail, job: JobDetail, reasons: Map<string, string>): HTMLElement {
  const gone = droppedLog(job);
  return h('section.card.job', { 'aria-label': job.arch },
    h('header', h('h3', job.arch), emulatedTag(job.emulated), h('span.push', jobBadge(job))),
    h('div.body',
      job.verdict === null && job.state === 'done' && h('p.small', job.reason),
      job.outcome !== null && job.outcome !== 'completed' && h('p.small.bad-text', `${words(job.outcome)}${job.outcome_text ? `: ${job.outcome_text}` : ''}`),
      waiting(job, reasons),
      facts([
        ['loss', job.initial_loss === null ? '–' : `${loss(job.initial_loss)} → ${loss(job.final_loss)}`],
        ['steps', count(job.steps)],
        ['runner', job.runner ?? '–'],
        ...(job.attempt > 1 ? [['attempt', `${job.attempt} of ${job.attempt_cap}`] as [string, Child]] : []),
        ...(job.stats?.tokens_per_s ? [['tokens/s', count(Math.round(job.stats.tokens_per_s))] as [string, Child]] : []),
      ]),
      stages(job),
      gone && h('div.small', gone),
      h('p.toolbar.small', !gone && h('a', { href: `/runs/${run.id}/log/${job.arch}` }, 'Log'),
        run.jobs.length > 1 && (job.state === 'done' || job.state === 'cancelled') && h('span.push', actionButton({
          verb: `Run ${job.arch} again`, title: `Run again on ${job.arch} alone?`, scope: 'rerun', address: `/api/v1/jobs/${job.id}/rerun`,
          text: `${run.branch}, commit ${sha(run.commit)}. The others stay as they are; then the verdict is made anew.` })))));
}
