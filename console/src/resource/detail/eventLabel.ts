import type { TFunction } from 'i18next';
import type { Resource } from '../../api/meta';

/** `crm.deal.won` as the move that caused it; creations, changes and deletions in words. */
export function eventLabel(type: string, resource: Resource | undefined, t: TFunction): string {
  const verb = type.split('.').at(-1) ?? type;
  if (verb === 'created' || verb === 'updated' || verb === 'deleted' || verb === 'reverted') return t(`history.${verb}`);
  const move = resource?.states?.moves.find((each) => each.event === type);
  return move?.label ?? words(verb);
}

/** What an event is about where no resource says its name: `account.member.removed` is about a "Member". */
export function eventNoun(type: string): string {
  return words(type.split('.').at(-2) ?? type);
}

function words(name: string): string {
  const text = name.replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
