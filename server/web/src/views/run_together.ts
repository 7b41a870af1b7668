// What a run's architectures show side by side: the clauses that compare them with each other and with the base branch.
import { h } from '../dom';
import { badge, card, prose } from '../parts';
import type { RunDetail } from '../types';

export function togetherCard(run: RunDetail): HTMLElement | null {
  const report = run.report;
  if (!report || report.clauses.length === 0) return null;
  const rows = report.clauses.map((clause) => h('tr',
    h('th', { scope: 'row' }, h('span.clause-id', clause.id), ' ', clause.title),
    h('td', badge(clause.outcome)),
    h('td', clause.reason && h('div.small.quiet', prose(clause.reason)),
      report.findings.filter((finding) => finding.clause === clause.id).map((finding) => h('div', prose(finding.message))),
      report.warnings.filter((warning) => warning.clause === clause.id).map((warning) => h('div.small.quiet', prose(warning.message))))));
  const node = card('Architectures compared', h('div.scroll', { tabindex: '0', role: 'region', 'aria-label': 'Architectures compared' },
    h('table.clauses', h('thead', h('tr', ['Clause', 'Outcome', 'Why'].map((text) => h('th', { scope: 'col' }, text)))), h('tbody', rows))));
  node.id = 'together';
  return node;
}
