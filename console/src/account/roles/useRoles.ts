import { useQuery } from '@tanstack/react-query';
import { isProblem } from '../../api/problem';
import { fetchRoles } from '../../api/platform';

/** The company's roles; none for somebody who may not see them. */
export function useRoles() {
  return useQuery({
    queryKey: ['roles'],
    queryFn: async () => {
      try {
        return (await fetchRoles()).items;
      } catch (error) {
        if (isProblem(error, 403)) return [];
        throw error;
      }
    },
    staleTime: 60_000,
  });
}
