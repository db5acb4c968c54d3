import { quote } from '../../resource/filter/write';

export interface EventWish {
  actor: string;
  type: string;
  subject: string;
  /** Days, both included. */
  from: string;
  to: string;
}

/** What somebody looks for in the log, as the server reads it. A type may be given by its beginning. */
export function eventFilter(wish: EventWish): string {
  const parts: string[] = [];
  if (wish.actor) parts.push(`actor == ${quote(wish.actor)}`);
  if (wish.type.trim()) parts.push(`type.startsWith(${quote(wish.type.trim())})`);
  if (wish.subject) parts.push(`subject.startsWith(${quote(`${wish.subject}/`)})`);
  const from = midnight(wish.from, 0);
  const to = midnight(wish.to, 1);
  if (from) parts.push(`at >= timestamp(${quote(from)})`);
  if (to) parts.push(`at < timestamp(${quote(to)})`);
  return parts.join(' && ');
}

function midnight(day: string, plus: number): string | null {
  const moment = new Date(`${day}T00:00:00`);
  if (day === '' || Number.isNaN(moment.getTime())) return null;
  moment.setDate(moment.getDate() + plus);
  return moment.toISOString();
}
