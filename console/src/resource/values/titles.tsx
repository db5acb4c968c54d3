import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { findByFullName } from '../../api/meta';
import { useMembers, useMeta } from '../../api/session';
import { loadTitle } from './loadTitle';

/** The title of a record that is known by its id only, as in old values of a history. Null when it is gone or hidden. */
export function useTitle(to: string | undefined, id: string | null): string | null | undefined {
  const resource = findByFullName(useMeta(), to);
  return useQuery({
    queryKey: ['title', to, id],
    queryFn: () => (resource && id !== null ? loadTitle(resource, id) : null),
    enabled: id !== null,
    staleTime: 60_000,
  }).data;
}

export function RefTitle({ to, id }: { to: string | undefined; id: string }) {
  const { t } = useTranslation();
  const title = useTitle(to, id);
  return <>{title === undefined ? '…' : (title ?? t('record.hiddenTitle'))}</>;
}

/** A member's name by id; who left or may not be seen is called so. */
export function MemberName({ id }: { id: string }) {
  const { t } = useTranslation();
  const members = useMembers().data ?? [];
  return <>{members.find((member) => member.id === id)?.name ?? t('record.formerMember')}</>;
}
