import { queryOptions, useQuery, useSuspenseQuery } from '@tanstack/react-query';
import { isProblem } from './problem';
import { fetchMe, fetchMembers, fetchMeta } from './platform';
import type { Me, Tenant } from './types';

/** Who is signed in; null when nobody is. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return await fetchMe(signal);
    } catch (error) {
      if (isProblem(error, 401)) return null;
      throw error;
    }
  },
  staleTime: 60_000,
});

export const metaQuery = queryOptions({ queryKey: ['meta'], queryFn: ({ signal }) => fetchMeta(signal), staleTime: 60_000 });

/** Somebody in a company. */
export interface Here extends Me {
  user: Me['user'] & { member: string };
  tenant: Tenant;
}

/** Within the shell somebody is always signed in, and in a company. */
export function useMe(): Here {
  const { data } = useSuspenseQuery(meQuery);
  if (!data?.tenant || !data.user.member) throw new Error('a page of the shell was drawn for nobody');
  return { ...data, user: { ...data.user, member: data.user.member }, tenant: data.tenant };
}

export const useMeta = () => useSuspenseQuery(metaQuery).data;

export function useMay(): (permission: string) => boolean {
  const held = useMe().permissions;
  return (permission) => held.includes(permission);
}

/** Members by id, for names and choices. Who may not list members sees only ids that the server expanded. */
export function useMembers() {
  return useQuery({
    queryKey: ['members'],
    queryFn: async () => {
      try {
        return (await fetchMembers()).items;
      } catch (error) {
        if (isProblem(error, 403)) return [];
        throw error;
      }
    },
    staleTime: 60_000,
  });
}
