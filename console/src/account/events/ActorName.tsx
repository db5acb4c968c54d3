import { useTranslation } from 'react-i18next';
import { MemberName } from '../../resource/values/titles';
import type { Event } from '../../api/types';

/** Who did it: a member by name, a key, the system, an operator, nobody. */
export function ActorName({ event }: { event: Pick<Event, 'actor' | 'actor_name'> }) {
  const { t } = useTranslation();
  if (event.actor_name) return <>{event.actor_name}</>;
  const [kind, id = ''] = event.actor.split(':');
  switch (kind) {
    case 'member':
      return <MemberName id={id} />;
    case 'key':
      return <>{t('events.key')}</>;
    case 'system':
      return <>{t('events.system', { module: id })}</>;
    case 'operator':
      return <>{t('events.operator')}</>;
    default:
      return <>{t('events.anonymous')}</>;
  }
}
