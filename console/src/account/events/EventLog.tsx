import { Button, Card, Group, Select, Table, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { IconActivity, IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { Fragment, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { findByFullName } from '../../api/meta';
import { fetchEvents } from '../../api/platform';
import { useMembers, useMeta } from '../../api/session';
import type { Event } from '../../api/types';
import { page } from '../../app/pages';
import { changesOf } from '../../resource/detail/diff';
import { RefTitle } from '../../resource/values/titles';
import { CopyId } from '../../ui/CopyId';
import { DataTable } from '../../ui/DataTable';
import { Empty } from '../../ui/Empty';
import { PageHead } from '../../ui/PageHead';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { When } from '../../ui/When';
import { ActorName } from './ActorName';
import { eventFilter, type EventWish } from './eventFilter';
import classes from '../../resource/detail/DetailPage.module.css';

const nobody: EventWish = { actor: '', type: '', subject: '', from: '', to: '' };

/** Who did what, and what it was before. */
export function EventLog() {
  const { t } = useTranslation();
  const [wish, setWish] = useState(nobody);
  const [settled] = useDebouncedValue(wish, 400);
  const filter = eventFilter(settled);
  return (
    <>
      <PageHead title={t('nav.events')} hint={t('events.hint')} />
      <Wishes wish={wish} change={setWish} />
      <Events key={filter} filter={filter} />
    </>
  );
}

function Wishes({ wish, change }: { wish: EventWish; change: (wish: EventWish) => void }) {
  const { t } = useTranslation();
  const meta = useMeta();
  const members = useMembers().data ?? [];
  const resources = meta.modules.flatMap((module) => module.resources.map((resource) => ({ value: `${module.name}.${resource.plural}`, label: `${module.title}: ${resource.labels}` })));
  const set = (part: Partial<EventWish>) => change({ ...wish, ...part });
  return (
    <Group gap="sm" mb="md" align="flex-end">
      <Select size="xs" label={t('events.actor')} clearable searchable data={members.map((member) => ({ value: `member:${member.id}`, label: member.name }))} value={wish.actor || null} onChange={(actor) => set({ actor: actor ?? '' })} w={180} />
      <TextInput size="xs" label={t('events.type')} placeholder="crm.deal.won" value={wish.type} onChange={(event) => set({ type: event.currentTarget.value })} w={180} />
      <Select size="xs" label={t('events.subject')} clearable data={resources} value={wish.subject || null} onChange={(subject) => set({ subject: subject ?? '' })} w={180} />
      <TextInput size="xs" label={t('events.from')} type="date" value={wish.from} onChange={(event) => set({ from: event.currentTarget.value })} />
      <TextInput size="xs" label={t('events.to')} type="date" value={wish.to} onChange={(event) => set({ to: event.currentTarget.value })} />
      {wish !== nobody && (
        <Button variant="subtle" onClick={() => change(nobody)}>
          {t('filter.clear')}
        </Button>
      )}
    </Group>
  );
}

function Events({ filter }: { filter: string }) {
  const { t } = useTranslation();
  const [cursors, setCursors] = useState<string[]>([]);
  const [open, setOpen] = useState<string | null>(null);
  const cursor = cursors.at(-1);
  const query = new URLSearchParams({ limit: '50', ...(filter && { filter }), ...(cursor && { cursor }) });
  const list = useQuery({ queryKey: ['events', query.toString()], queryFn: ({ signal }) => fetchEvents(query, signal), placeholderData: keepPreviousData });
  if (list.isPending) return <Waiting />;
  if (list.error && !list.data) return <Trouble error={list.error} retry={() => void list.refetch()} />;
  const events = list.data?.items ?? [];
  if (events.length === 0) return <Empty icon={<IconActivity size={32} aria-hidden />} title={t('events.none')} hint={t('events.noneHint')} />;
  const next = list.data?.next ?? null;
  return (
    <>
      <DataTable label={t('nav.events')} minWidth={720} heads={[t('events.when'), t('events.actor'), t('events.type'), t('events.subject')]}>
        {events.map((event) => (
          <Fragment key={event.id}>
            <Table.Tr>
              <Table.Td>
                <When at={event.at} />
              </Table.Td>
              <Table.Td>
                <ActorName event={event} />
              </Table.Td>
              <Table.Td>
                <UnstyledButton onClick={() => setOpen(open === event.id ? null : event.id)} aria-expanded={open === event.id} fz="sm" c="var(--mantine-color-anchor)">
                  {event.type}
                </UnstyledButton>
              </Table.Td>
              <Table.Td>
                <Subject subject={event.subject} />
              </Table.Td>
            </Table.Tr>
            {open === event.id && (
              <Table.Tr>
                <Table.Td colSpan={4}>
                  <Details event={event} />
                </Table.Td>
              </Table.Tr>
            )}
          </Fragment>
        ))}
      </DataTable>
      <Group justify="flex-end" mt="sm" gap="sm">
        <Button variant="default" leftSection={<IconChevronLeft size={16} className="turns" aria-hidden />} disabled={cursors.length === 0} onClick={() => setCursors(cursors.slice(0, -1))}>
          {t('list.previous')}
        </Button>
        <Button variant="default" rightSection={<IconChevronRight size={16} className="turns" aria-hidden />} disabled={next === null} onClick={() => next && setCursors([...cursors, next])}>
          {t('list.next')}
        </Button>
      </Group>
    </>
  );
}

/** `crm.deals/<id>` as a link where there is a page for it. */
function Subject({ subject }: { subject: string }) {
  const meta = useMeta();
  const [name = '', id] = subject.split('/');
  const resource = findByFullName(meta, name);
  if (!resource || !id) return <>{subject}</>;
  return (
    <>
      {resource.label}{' '}
      <Link to={page.record(resource, id)} style={{ color: 'var(--mantine-color-anchor)' }}>
        <RefTitle to={name} id={id} />
      </Link>
    </>
  );
}

function Details({ event }: { event: Event }) {
  const { t } = useTranslation();
  const changes = changesOf(event);
  const plain = changes.length === 0 && event.data && Object.keys(event.data).length > 0;
  return (
    <Card padding="sm">
      {changes.length > 0 && (
        <table className={classes.diff}>
          <colgroup>
            <col className={classes.label} />
          </colgroup>
          <thead>
            <tr>
              <th scope="col">{t('conflict.field')}</th>
              <th scope="col">{t('history.before')}</th>
              <th scope="col">{t('history.after')}</th>
            </tr>
          </thead>
          <tbody>
            {changes.map((change) => (
              <tr key={change.field}>
                <th scope="row">{change.field}</th>
                <td className={classes.before}>{shown(change.before)}</td>
                <td className={classes.after}>{shown(change.after)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {plain && (
        <Text size="xs" component="pre" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} m={0}>
          {JSON.stringify(event.data, null, 2)}
        </Text>
      )}
      <Group gap="md" mt="sm" fz="xs" c="dimmed">
        <Text inherit>
          {t('events.number')} {event.seq}
        </Text>
        {event.request_id && (
          <Text inherit>
            {t('problem.request', { id: event.request_id })} <CopyId value={event.request_id} label={t('events.copyRequest')} />
          </Text>
        )}
        <Text inherit>
          {t('events.hash')} {event.hash.slice(0, 12)}… <CopyId value={event.hash} label={t('events.copyHash')} />
        </Text>
      </Group>
    </Card>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '–';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
