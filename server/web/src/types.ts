// What the API answers, as schemas/openapi.yaml describes it.
export type Num = number | 'NaN' | 'Infinity' | '-Infinity';
export type Verdict = 'pass' | 'fail' | 'inconclusive';
export type Outcome = Verdict | 'not_applicable';
export type KeyState = 'warmed' | 'used' | 'missing' | 'drifted' | 'collided' | 'skipped' | 'unused';

export interface Evidence { pid: number; rank: number; source: string; seq: number; at?: string }
export interface Cause { id: string; text: string; explains: number; clauses: string[]; consequence_of: string | null; evidence: Evidence[] }
export interface Token { role: string; run_time?: string; prewarmed?: string; run_time_token?: string; prewarmed_token?: string }
export interface Finding {
  clause: string; kind: string; message: string; explained_by: string | null; evidence: Evidence[]; key?: string; cache?: string;
  scope?: string; architectures?: string[]; nearest_key?: string; tokens?: Token[]; t_ns?: number; bytes?: number; count?: number; ms?: Num;
}
export interface Warning { clause: string; kind: string; message: string; key?: string; evidence: Evidence[] }
export interface Clause { id: string; title: string; outcome: Outcome; reason: string }

export interface Stats {
  tokens_per_s: number | null; prewarm_ms: number | null; cache_bytes: number; warmed: number; used: number; missing: number;
  drifted: number; collided: number; skipped: number; unused: number; late_compiles: number;
}
export interface Stage { name: string; outcome: string | null; exit_code: number; signal: number; duration_ms: number; began_at: string }
export interface Job {
  id: string; arch: string; state: 'queued' | 'leased' | 'reported' | 'done' | 'cancelled'; attempt: number; attempt_cap: number;
  runner: string | null; emulated: boolean; verdict: Verdict | null; first_cause: string | null; reason: string; outcome: string | null;
  outcome_text: string; queued_at: string; started_at: string | null; ended_at: string | null; initial_loss: Num | null;
  final_loss: Num | null; steps: number | null; log_bytes: number; log_dropped_at: string | null; guilty_key?: string | null;
}
export interface JobDetail extends Job {
  stages: Stage[]; guilty_key: string | null; stats: Stats | null; causes: Cause[]; findings: Finding[]; warnings: Warning[]; clauses: Clause[];
}
export interface Run {
  id: string; repository: string; commit: string; base_commit: string | null; base_rule: string; policy_commit: string | null;
  bootstrap: boolean; branch: string; ref: string; pull_request: number | null;
  state: 'fetching' | 'running' | 'deciding' | 'done' | 'held' | 'cancelled'; verdict: Verdict | null; first_cause: string | null;
  reason: string; required: string[]; created_at: string; updated_at: string; ended_at: string | null; jobs: Job[];
}
export interface RunDetail extends Omit<Run, 'jobs'> {
  jobs: JobDetail[];
  triggers: { delivery: string; event: string; ref: string; pull_request: number | null }[];
  report?: { clauses: Clause[]; findings: Finding[]; warnings: Warning[] } | null;  // its architectures compared
  blame?: { text: string } | null;  // whose failure it is
  history?: { verdict: Verdict; first_cause: string | null; reason: string; ended_at: string }[];
  actions?: { kind: string; arch: string | null; actor: string; at: string }[];
}
export interface RunPage { runs: Run[]; next: string | null }
export interface EarlierRun { id: string; commit: string; state: Run['state']; verdict: Verdict | null }
export interface Board { branches: { repository: string; branch: string; run: Run; earlier: EarlierRun[] }[]; next: string | null }

export interface Curve {
  job: string; arch: string; attempt: number; first: number; next: number; complete: boolean; total: number;
  points: { step: number[]; loss: (Num | null)[]; ce: (Num | null)[]; kl: (Num | null)[]; grad_norm: (Num | null)[]; ms: (Num | null)[]; tokens: (number | null)[] };
}

export interface Cell { state: KeyState; nearest_key: string | null; hits: number; misses: number; bytes: number; late_compiles: number }
export interface Late { kind: 'compile' | 'load'; cache: string; key: string; at_ms: number; ms: number | null; bytes: number | null }
export interface Timeline {
  end_ms: number; spans: { kind: 'prewarm' | 'payload' | 'steps'; scope: string; begin_ms: number; end_ms: number | null }[];
  late: Late[]; late_left_out: number;
}
export interface CoverageRow { cache: string; key: string; cells: (Cell | null)[] }
export interface KeyChange { arch: string; cache: string; key: string; was: KeyState | null; is: KeyState | null }
export interface CoverageDifference { base_run: string; base_commit: string; changes: KeyChange[]; left_out: number }
export interface Coverage {
  run: string;
  architectures: {
    arch: string; job: string; emulated: boolean; known: boolean; left_out: number; timeline: Timeline | null;
    counts: Record<KeyState | 'late_compiles', number>;
  }[];
  rows: CoverageRow[]; total: number; next: string | null; difference: CoverageDifference | null;
}

export interface ArchDiff {
  arch: string; job: string | null; base_job: string | null; stats: Stats | null; base_stats: Stats | null;
  clauses: { id: string; was: Outcome | null; is: Outcome | null }[]; causes_new: Cause[]; causes_gone: Cause[];
  findings_new: Finding[]; findings_gone: Finding[]; findings_left_out: number;
}
export interface Diff { run: Run; base: Run; architectures: ArchDiff[]; coverage: CoverageDifference | null }

export interface TrendPoint {
  run: string; job: string; commit: string; arch: string; ended_at: string; verdict: Verdict; emulated: boolean;
  initial_loss: Num | null; final_loss: Num | null; stats: Stats;
}
export interface Trends { points: TrendPoint[]; next: string | null }

export interface Runner {
  name: string; arch: string; online: boolean; draining: boolean; drained?: boolean; revoked: boolean; host: string | null;
  version: string | null; device: { name: string; memory_bytes: number; unified: boolean; emulated: boolean } | null; slots: number;
  busy_slots?: number; created_at: string; last_seen_at: string | null;
}
export interface WaitingJob {
  job: string; run: string; repository: string; branch: string; commit: string; arch: string; attempt: number; queued_at: string;
  reason: { kind: string; text: string; since: string | null };
}
export interface Queue { jobs: WaitingJob[]; next: string | null; total: number }
export interface RunnerPage { runners: Runner[]; next: string | null }

export interface Call {
  seq: number; lane: string; kind: string; repository: string; run: string | null; job: string | null; state: 'pending' | 'sent' | 'superseded' | 'dead';
  attempts: number; unsure: boolean; last_error: string | null; created_at: string; next_at: string | null; ended_at: string | null;
}
export interface Outbox { calls: Call[]; next: string | null; pending: number; dead: number; oldest_pending_at: string | null }

export const kAuditActions = ['rerun', 'cancel', 'approve', 'drain', 'undrain'] as const;
export interface AuditEntry {
  seq: number; at: string; token: string; action: (typeof kAuditActions)[number]; target: string; done: boolean; text: string;
  run: { id: string; repository: string; branch: string; arch: string | null } | null;  // null: it concerns a runner
}
export interface AuditPage { entries: AuditEntry[]; next: string | null }

export interface Change {
  kind: 'run' | 'job'; run: string; job: string | null; arch: string | null; repository: string; branch: string; state: string;
  verdict: Verdict | null;
}
