/**
 * All tabs share one session cookie. When one of them signs in, out or over to another company, the others start anew:
 * what they show belongs to somebody else now, and what they would write would go to the wrong company.
 */
const channel = new BroadcastChannel('session');

channel.addEventListener('message', () => location.reload());

export function sessionChanged() {
  // A channel reaches pages of this origin only; the rule means windows.
  // eslint-disable-next-line unicorn/require-post-message-target-origin
  channel.postMessage('changed');
}
