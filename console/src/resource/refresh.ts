import type { QueryClient } from '@tanstack/react-query';
import { fullName } from '../api/meta';
import type { ResourceRef } from '../api/paths';

/** After a change, everything that may show it is asked for again: lists, boards, sums, the record, its history. */
export function refreshRecords(client: QueryClient, resource: ResourceRef) {
  void client.invalidateQueries({ queryKey: ['records', fullName(resource)] });
  void client.invalidateQueries({ queryKey: ['search'] });
  void client.invalidateQueries({ queryKey: ['title', fullName(resource)] });
  void client.invalidateQueries({ queryKey: ['choices', fullName(resource)] });
  // Other resources may show this one's titles.
  void client.invalidateQueries({ queryKey: ['records'], refetchType: 'none' });
}
