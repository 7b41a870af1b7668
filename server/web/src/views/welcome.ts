// What a server shows before its first webhook: how to send one.
import { h } from '../dom';

function step(title: string, text: string, code: string): HTMLElement {
  return h('li', h('h3', title), h('p.quiet', text), h('pre.code', { tabindex: '0', 'aria-label': title }, code));
}

const kGateFile = `{
  "version": 1,
  "architectures": ["sm_89", "sm_121"],
  "stages": [
    {"name": "smoke", "command": "./train --steps 62", "contract": "both"}
  ]
}`;

function hook(origin: string): string {
  return `body='{"zen": "hello"}'
signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" | sed 's/.* //')
curl ${origin}/webhooks/github -d "$body" \\
  -H 'Content-Type: application/json' -H 'X-GitHub-Event: ping' \\
  -H "X-GitHub-Delivery: $(uuidgen)" -H "X-Hub-Signature-256: sha256=$signature"`;
}

export function firstPage(): HTMLElement {
  const origin = location.origin;
  return h('div.stack.welcome',
    h('div', h('h1', 'Nothing has been pushed yet'),
      h('p.quiet', 'This board fills by itself: a branch a row, an architecture a column. Four steps lead to the first verdict.')),
    h('section.card', h('ol.guide',
      step('Say what a commit must show', 'A file .smgate.json at the root of your repository.', kGateFile),
      step('Point a GitHub webhook here', 'Settings, Webhooks, Add webhook: events push and pull requests, content type application/json, and the secret of the server’s configuration.',
        `${origin}/webhooks/github`),
      step('Try the way from your machine', 'A signed ping, as GitHub sends it; the answer says "ignored", and that it was well signed.', hook(origin)),
      step('Start a runner on each GPU host', 'It dials out to this server and needs no open port.',
        'smgate-server token create --runner gpu-1 --arch sm_89 --config server.jsonc\nsmgate-runner agent --config runner.jsonc'))),
    h('p.quiet', 'Runners that are connected already stand under ', h('a', { href: '/runners' }, 'Runners'), '.'));
}
