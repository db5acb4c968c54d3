import { isProblem } from '../api/problem';

/** The token of a mailed link. It stands behind `#`, so no server log and no Referer ever holds it. */
export function tokenFromFragment(): string {
  return new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
}

/** The link was used, replaced, cancelled or is too old. */
export function isSpent(error: unknown): boolean {
  return isProblem(error, 410) || isProblem(error, 404);
}

/** The invitation is for another address than the one signed in. */
export function isMismatch(error: unknown): boolean {
  return isProblem(error) && error.code === 'other-address';
}

/** Where to go after signing in: only ever a page of this console. */
export function safeNext(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) ? next : '/';
}
