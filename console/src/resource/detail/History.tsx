import { Button, Card, Group, Skeleton, Stack, Text, Title } from '@mantine/core';
import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconArrowBackUp } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fullName, type Resource } from '../../api/meta';
import { fetchHistory, revertRecord } from '../../api/records';
import type { Event, FieldValue } from '../../api/types';
import { ActorName } from '../../account/events/ActorName';
import { Confirm } from '../../ui/Confirm';
import { say } from '../../ui/toast';
import { Trouble } from '../../ui/Trouble';
import { When } from '../../ui/When';
import { refreshRecords } from '../refresh';
import { ValueView } from '../values/ValueView';
import { changesOf } from './diff';
import { eventLabel } from './eventLabel';
import classes from './DetailPage.module.css';

/** The history belongs to one version: a save asks for it again. */
export const historyQuery = (resource: Resource, id: string, version: number) =>
  queryOptions({ queryKey: ['records', fullName(resource), 'history', id, version], queryFn: ({ signal }) => fetchHistory(resource, id, signal), meta: { quiet: true } });

/** What happened to a record, newest first, as differences; each state but the present one can be brought back. */
export function History({ resource, id, version, gone }: { resource: Resource; id: string; version: number; gone?: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [back, setBack] = useState<Event | null>(null);
  const history = useQuery(historyQuery(resource, id, version));
  const revert = useMutation({
    mutationFn: (event: Event) => revertRecord(resource, id, event.seq),
    onSuccess: () => {
      say(t('history.revertedNow'));
      refreshRecords(client, resource);
    },
  });
  const events = (history.data?.items ?? []).toSorted((a, b) => b.seq - a.seq);
  return (
    <Card padding="md" component="section" aria-label={t('history.title')}>
      <Title order={2} mb="sm">
        {t('history.title')}
      </Title>
      {history.isPending && (
        <Stack gap="sm">
          <Skeleton h={40} />
          <Skeleton h={40} />
        </Stack>
      )}
      {history.error && <Trouble error={history.error} retry={() => void history.refetch()} />}
      <ol className={classes.events}>
        {events.map((event, at) => (
          <li key={event.id} className={classes.event}>
            <Group justify="space-between" gap="sm" wrap="nowrap" align="flex-start">
              <div>
                <Text size="sm" fw={500}>
                  {eventLabel(event.type, resource, t)}
                </Text>
                <Text size="xs" c="dimmed">
                  <ActorName event={event} /> · <When at={event.at} />
                </Text>
              </div>
              {(at > 0 || gone) && !event.type.endsWith('.deleted') && resource.verbs.update && (
                <Button size="compact-xs" variant="subtle" leftSection={<IconArrowBackUp size={14} className="turns" aria-hidden />} onClick={() => setBack(event)} aria-label={t('history.revertTo', { seq: event.seq })}>
                  {t('history.revert')}
                </Button>
              )}
            </Group>
            <Diff resource={resource} event={event} />
          </li>
        ))}
      </ol>
      <Confirm opened={back !== null} close={() => setBack(null)} title={t('history.revert')} label={t('history.revert')} run={async () => back && revert.mutateAsync(back)}>
        {t('history.revertHint')}
      </Confirm>
    </Card>
  );
}

function Diff({ resource, event }: { resource: Resource; event: Event }) {
  const { t } = useTranslation();
  const changes = changesOf(event).filter((change) => resource.fields[change.field]?.readable);
  const created = event.type.endsWith('.created');
  const deleted = event.type.endsWith('.deleted');
  if (changes.length === 0) return null;
  return (
    <table className={classes.diff}>
      <colgroup>
        <col className={classes.label} />
      </colgroup>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">{t('conflict.field')}</th>
          {!created && <th scope="col">{t('history.before')}</th>}
          {!deleted && <th scope="col">{t('history.after')}</th>}
        </tr>
      </thead>
      <tbody>
        {changes.map((change) => {
          const field = resource.fields[change.field];
          if (!field) return null;
          return (
            <tr key={change.field}>
              <th scope="row">{field.label}</th>
              {!created && (
                <td className={classes.before}>
                  <ValueView field={field} value={change.before as FieldValue} plain />
                </td>
              )}
              {!deleted && (
                <td className={classes.after}>
                  <ValueView field={field} value={change.after as FieldValue} plain />
                </td>
              )}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
