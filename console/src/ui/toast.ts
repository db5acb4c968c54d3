import { notifications } from '@mantine/notifications';
import i18n from 'i18next';
import { Problem } from '../api/problem';

export function say(message: string) {
  notifications.show({ message, color: 'accent', autoClose: 4000, closeButtonProps: { 'aria-label': i18n.t('act.close') } });
}

/** A failure as a toast, in the caller's terms, with the id that finds it in the server's log. */
export function showProblem(error: unknown) {
  notifications.show({ title: problemTitle(error), message: problemText(error), color: 'red', autoClose: 12_000, role: 'alert', closeButtonProps: { 'aria-label': i18n.t('act.close') } });
}

export function problemTitle(error: unknown): string {
  if (error instanceof Problem && error.status === 0) return i18n.t('problem.unreachable');
  if (error instanceof Problem && error.status === 403) return i18n.t('problem.denied');
  if (error instanceof Problem && error.status === 429) return i18n.t('problem.limited');
  if (error instanceof Problem && error.status === 401) return error.body.detail ?? i18n.t('problem.failed');
  return error instanceof Problem && error.body.title ? error.body.title : i18n.t('problem.failed');
}

/** What there is to say beside the title. The request's id helps with what is not the person's own mistake. */
export function problemText(error: unknown, withRequest = true): string {
  if (!(error instanceof Problem)) return error instanceof Error ? error.message : String(error);
  if (error.status === 0) return i18n.t('problem.unreachableHint');
  const faults = error.faults.map((fault) => (fault.field ? `${fault.field}: ${fault.message}` : fault.message));
  const detail = error.status === 401 ? '' : (error.body.detail ?? '');
  const lines = [detail, ...faults.filter((line) => !detail.includes(line))].filter(Boolean);
  if (error.requestId && (withRequest || error.status >= 500)) lines.push(i18n.t('problem.request', { id: error.requestId }));
  return lines.join('\n');
}
