import { Button, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useDroppable } from '@dnd-kit/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Option, Resource } from '../../api/meta';
import { aggregate, fetchPage, type ListQuery } from '../../api/records';
import type { Row } from '../../api/types';
import { Trouble } from '../../ui/Trouble';
import { quote } from '../filter/write';
import { summable, sumText } from '../list/Totals';
import { valueOf } from '../values/format';
import { BoardCard } from './BoardCard';
import { moveBetween } from './moves';
import { columnKey, type CardMove } from './useMoveCard';
import classes from './Board.module.css';

interface Props {
  resource: Resource;
  option: Option;
  query: ListQuery;
  dragged: Row | null;
  move: (move: CardMove) => void;
}

export function BoardColumn({ resource, option, query, dragged, move }: Props) {
  const { t, i18n } = useTranslation();
  const field = resource.views.board ?? '';
  const { setNodeRef, isOver } = useDroppable({ id: option.value });
  const filter = and(query.filter, `${field} == ${quote(option.value)}`);
  const cards = useInfiniteQuery({
    queryKey: columnKey(resource, query, option.value),
    queryFn: ({ pageParam, signal }) => fetchPage(resource, { ...query, filter, limit: 50, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
  });
  const sums = summable(resource);
  const totals = useQuery({
    queryKey: [...columnKey(resource, query, option.value), 'totals'],
    queryFn: async ({ signal }) => (await aggregate(resource, { filter, count: true, ...(sums.length > 0 && { sum: sums }) }, signal)).items[0],
    enabled: resource.verbs.aggregate && !query.q,
    meta: { quiet: true },
  });
  const rows = cards.data?.pages.flatMap((page) => page.items) ?? [];
  const from = dragged ? String(valueOf(dragged, field)) : null;
  const step = from === null || from === option.value ? null : moveBetween(resource, from, option.value);
  const fits = step === null ? null : step !== 'none' && step !== 'denied';
  return (
    <section ref={setNodeRef} className={classes.column} data-over={(isOver && fits) || undefined} data-closed={fits === false || undefined} aria-label={option.label} data-column={option.value}>
      <div className={classes.head}>
        <Group justify="space-between" wrap="nowrap" gap="sm">
          <Title order={2} size="sm">
            {option.label}
          </Title>
          <Text size="sm" c="dimmed">
            {totals.data?.count ?? (cards.data ? rows.length : '')}
          </Text>
        </Group>
        <Text size="xs" c="dimmed" className="numbers">
          {sums.map((name) => sumText(totals.data?.sum?.[name], i18n.language)).filter(Boolean).join(' · ')}
        </Text>
      </div>
      <Stack gap="sm" p="sm" pt={0} component="ul" className={classes.cards}>
        {cards.isPending && <Skeleton h={64} />}
        {cards.error && <Trouble error={cards.error} retry={() => void cards.refetch()} />}
        {rows.map((row) => (
          <BoardCard key={row.id} resource={resource} row={row} move={move} />
        ))}
        {cards.data && rows.length === 0 && (
          <Text size="xs" c="dimmed" ta="center" py="sm" component="li">
            {t('board.empty')}
          </Text>
        )}
      </Stack>
      {cards.hasNextPage && (
        <Button variant="subtle" loading={cards.isFetchingNextPage} onClick={() => void cards.fetchNextPage()}>
          {t('board.more')}
        </Button>
      )}
    </section>
  );
}

const and = (filter: string | undefined, more: string) => (filter ? `(${filter}) && ${more}` : more);
