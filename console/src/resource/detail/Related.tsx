import { Anchor, Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { fullName, type Resource } from '../../api/meta';
import { fetchPage } from '../../api/records';
import { useMeta } from '../../api/session';
import type { Row } from '../../api/types';
import { page } from '../../app/pages';
import { say } from '../../ui/toast';
import { quote } from '../filter/write';
import { RecordDrawer } from '../form/RecordDrawer';
import { recordTitle, valueOf } from '../values/format';
import { FieldView } from '../values/ValueView';

const few = 5;

/** Records that refer to this one: a company's people, deals and activities. */
export function Related({ resource, row }: { resource: Resource; row: Row }) {
  const meta = useMeta();
  const target = fullName(resource);
  const referring = meta.modules.flatMap((module) => module.resources).flatMap((other) => Object.entries(other.fields).flatMap(([name, field]) => (field.type === 'ref' && field.to === target && field.filterable ? [{ other, name }] : [])));
  return (
    <>
      {referring.map(({ other, name }) => (
        <RelatedList key={`${fullName(other)}.${name}`} other={other} name={name} row={row} title={recordTitle(resource, row)} />
      ))}
    </>
  );
}

function RelatedList({ other, name, row, title }: { other: Resource; name: string; row: Row; title: string }) {
  const { t } = useTranslation();
  const [making, setMaking] = useState(false);
  const filter = `${name} == ${quote(row.id)}`;
  const records = useQuery({ queryKey: ['records', fullName(other), 'related', filter], queryFn: ({ signal }) => fetchPage(other, { filter, limit: few, count: true }, signal), meta: { quiet: true } });
  const items = records.data?.items ?? [];
  const shown = other.views.list.filter((each) => each !== name && !other.title.includes(`{${each}}`) && other.fields[each]?.readable).slice(0, 2);
  return (
    <Card padding="md" mt="md" component="section" aria-label={other.labels}>
      <Group justify="space-between" mb={items.length > 0 ? 'sm' : 0}>
        <Title order={2}>
          {other.labels}{' '}
          <Text span inherit c="dimmed" fw={400}>
            {records.data?.total ?? ''}
          </Text>
        </Title>
        {other.verbs.create && (
          <Button size="compact-xs" variant="subtle" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setMaking(true)}>
            {t('list.new', { label: other.label })}
          </Button>
        )}
      </Group>
      <Stack gap={6}>
        {items.map((item) => (
          <Group key={item.id} justify="space-between" gap="sm" wrap="nowrap">
            <Anchor component={Link} to={page.record(other, item.id)} size="sm">
              {recordTitle(other, item)}
            </Anchor>
            <Group gap="md" wrap="nowrap" fz="sm" c="dimmed">
              {shown.map((each) => {
                const field = other.fields[each];
                return field && valueOf(item, each) !== null ? <FieldView key={each} row={item} name={each} field={field} plain /> : null;
              })}
            </Group>
          </Group>
        ))}
        {(records.data?.total ?? 0) > items.length && (
          <Anchor component={Link} to={page.list(other, new URLSearchParams({ filter }).toString())} size="sm">
            {t('record.showAll')}
          </Anchor>
        )}
      </Stack>
      <RecordDrawer
        resource={other}
        opened={making}
        preset={{ [name]: { value: row.id, title } }}
        close={() => setMaking(false)}
        saved={() => {
          setMaking(false);
          say(t('record.created', { label: other.label }));
        }}
      />
    </Card>
  );
}
