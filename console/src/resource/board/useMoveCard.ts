import { useMutation, useQueryClient, type InfiniteData } from '@tanstack/react-query';
import { fullName, type Resource } from '../../api/meta';
import { etagOf, moveRecord, updateRecord, type ListQuery } from '../../api/records';
import type { Page, Row } from '../../api/types';
import { refreshRecords } from '../refresh';
import { valueOf } from '../values/format';

export interface CardMove {
  row: Row;
  to: string;
  /** The declared move, or null for an ordinary change of the choice. */
  move: string | null;
}

export const columnKey = (resource: Resource, query: ListQuery, value: string) => ['records', fullName(resource), 'board', { filter: query.filter ?? '', q: query.q ?? '', sort: query.sort ?? '' }, value];

/** The card jumps at once and jumps back when the server refuses. */
export function useMoveCard(resource: Resource, query: ListQuery) {
  const client = useQueryClient();
  const field = resource.views.board ?? '';
  return useMutation({
    mutationFn: async ({ row, to, move }: CardMove) => {
      if (move !== null) await moveRecord(resource, row.id, move);
      else await updateRecord(resource, row.id, { [field]: to }, etagOf(row));
    },
    onMutate: async ({ row, to }: CardMove) => {
      const from = columnKey(resource, query, String(valueOf(row, field)));
      const target = columnKey(resource, query, to);
      await client.cancelQueries({ queryKey: ['records', fullName(resource), 'board'] });
      const before = [from, target].map((key) => [key, client.getQueryData(key)] as const);
      client.setQueryData<InfiniteData<Page<Row>>>(from, (pages) => pages && mapPages(pages, (items) => items.filter((each) => each.id !== row.id)));
      client.setQueryData<InfiniteData<Page<Row>>>(target, (pages) => pages && mapPages(pages, (items, at) => (at === 0 ? [{ ...row, [field]: to }, ...items] : items)));
      return before;
    },
    onError: (_error, _move, before) => {
      for (const [key, pages] of before ?? []) client.setQueryData(key, pages);
    },
    onSettled: () => refreshRecords(client, resource),
  });
}

function mapPages(data: InfiniteData<Page<Row>>, change: (items: Row[], at: number) => Row[]): InfiniteData<Page<Row>> {
  return { ...data, pages: data.pages.map((page, at) => ({ ...page, items: change(page.items, at) })) };
}
