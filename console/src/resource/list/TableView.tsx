import { Box, Button, Group } from '@mantine/core';
import type { RowSelectionState } from '@tanstack/react-table';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconChevronLeft, IconChevronRight, IconInbox, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { fullName, type Resource } from '../../api/meta';
import { fetchPage } from '../../api/records';
import type { Row } from '../../api/types';
import { page } from '../../app/pages';
import { Empty } from '../../ui/Empty';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { BulkBar } from '../bulk/BulkBar';
import { RecordTable } from './RecordTable';
import { Totals } from './Totals';
import type { useListState } from './useListState';

const pageSize = 50;
const nothing: Row[] = [];

/** The records as a table: one page at a time, by cursor, so that page 1 000 is as fast as page 1. */
export function TableView({ resource, list }: { resource: Resource; list: ReturnType<typeof useListState> }) {
  const { filter = '', q = '', sort = '' } = list.state;
  // Cursors belong to one filter, search and order: another one starts at the first page.
  return <Pages key={`${filter}\n${q}\n${sort}`} resource={resource} list={list} />;
}

function Pages({ resource, list }: { resource: Resource; list: ReturnType<typeof useListState> }) {
  const { t } = useTranslation();
  const { filter = '', q = '', sort = '', columns } = list.state;
  const [cursors, setCursors] = useState<string[]>([]);
  const [selected, setSelected] = useState<RowSelectionState>({});
  const cursor = cursors.at(-1);
  const records = useQuery({
    queryKey: ['records', fullName(resource), 'page', { filter, q, sort, cursor }],
    queryFn: ({ signal }) => fetchPage(resource, { filter, q, sort, limit: pageSize, ...(cursor && { cursor }) }, signal),
    placeholderData: keepPreviousData,
  });
  const rows = records.data?.items ?? nothing;
  const next = records.data?.next ?? null;

  if (records.isPending) return <Waiting />;
  if (records.error && !records.data) return <Trouble error={records.error} retry={() => void records.refetch()} />;
  if (rows.length === 0 && cursors.length === 0) return <NothingHere resource={resource} list={list} />;

  return (
    <Box pb={Object.values(selected).some(Boolean) ? 64 : 0}>
      <RecordTable resource={resource} rows={rows} columns={columns} sort={sort} setSort={(next) => list.change({ sort: next })} selected={selected} setSelected={setSelected} busy={records.isFetching && records.isPlaceholderData} />
      <Group justify="space-between" mt="sm" gap="sm">
        <Totals resource={resource} columns={columns} filter={filter} q={q} />
        <Group gap="sm">
          <Button variant="default" leftSection={<IconChevronLeft size={16} className="turns" aria-hidden />} disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>
            {t('list.previous')}
          </Button>
          <Button variant="default" rightSection={<IconChevronRight size={16} className="turns" aria-hidden />} disabled={next === null || records.isPlaceholderData} onClick={() => next && setCursors([...cursors, next])}>
            {t('list.next')}
          </Button>
        </Group>
      </Group>
      <BulkBar resource={resource} filter={filter} q={q} ids={Object.keys(selected).filter((id) => selected[id])} clear={() => setSelected({})} />
    </Box>
  );
}

function NothingHere({ resource, list }: { resource: Resource; list: ReturnType<typeof useListState> }) {
  const { t } = useTranslation();
  const narrowed = Boolean(list.state.filter || list.state.q);
  if (narrowed) {
    return (
      <Empty icon={<IconInbox size={32} aria-hidden />} title={t('list.noMatch', { labels: resource.labels })} hint={t('list.noMatchHint')}>
        <Button variant="default" onClick={() => list.open('')}>
          {t('list.showAll')}
        </Button>
      </Empty>
    );
  }
  return (
    <Empty icon={<IconInbox size={32} aria-hidden />} title={t('list.empty', { labels: resource.labels })} hint={resource.verbs.create ? t('list.emptyHint', { label: resource.label }) : t('list.emptyReader')}>
      <Group gap="sm">
        {resource.verbs.create && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => list.change({ new: '1' })}>
            {t('list.new', { label: resource.label })}
          </Button>
        )}
        {resource.verbs.import && (
          <Button variant="default" component={Link} to={page.imports(resource)}>
            {t('list.import')}
          </Button>
        )}
      </Group>
    </Empty>
  );
}
