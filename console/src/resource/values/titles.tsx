import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { findByFullName } from '../../api/meta';
import { isProblem } from '../../api/problem';
import { fetchRecord } from '../../api/records';
import { useMembers, useMeta } from '../../api/session';
import { recordTitle } from './format';

/** The title of a record that is known by its id only, as in old values of a history. Null when it is gone or hidden. */
export function useTitle(to: string | undefined, id: string | null): string | null | undefined {
  const resource = findByFullName(useMeta(), to);
  return useQuery({
    queryKey: ['title', to, id],
    queryFn: async ({ signal }) => {
      if (!resource || id === null) return null;
      try {
        return recordTitle(resource, (await fetchRecord(resource, id, signal)).row);
      } catch (error) {
        if (isProblem(error, 404) || isProblem(error, 403)) return null;
        throw error;
      }
    },
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
