import { Card, Group, SimpleGrid, Stack, Table, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import { DataTable } from '../../ui/DataTable';
import type { ImportOutcome } from '../../api/types';

const shown = 200;

/** What an import did, or would do, in four numbers. */
export function Counts({ outcome, future }: { outcome: ImportOutcome; future: boolean }) {
  const { t, i18n } = useTranslation();
  const number = new Intl.NumberFormat(i18n.language);
  const cells = [
    [t(future ? 'import.willCreate' : 'import.created'), outcome.created],
    [t(future ? 'import.willUpdate' : 'import.updated'), outcome.updated],
    [t('import.unchanged'), outcome.unchanged],
    [t(future ? 'import.willReject' : 'import.rejected'), outcome.rejected_total],
  ] as const;
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm" role="status">
      {cells.map(([label, count]) => (
        <Card key={label} padding="sm">
          <Text size="xs" c="dimmed">
            {label}
          </Text>
          <Text size="xl" fw={600}>
            {number.format(count)}
          </Text>
        </Card>
      ))}
    </SimpleGrid>
  );
}

/** Every refused row with the reason, to be mended in the file. */
export function RejectedRows({ resource, outcome }: { resource: Resource; outcome: ImportOutcome }) {
  const { t } = useTranslation();
  if (outcome.rejected.length === 0) return null;
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2}>{t('import.rejectedTitle')}</Title>
        <Text size="xs" c="dimmed">
          {outcome.rejected_total > shown ? t('import.firstRows', { shown: Math.min(shown, outcome.rejected.length), total: outcome.rejected_total }) : ''}
        </Text>
      </Group>
      <DataTable label={t('import.rejectedTitle')} minWidth={480} maxHeight={360} wrap heads={[t('import.row'), t('import.field'), t('import.problem')]}>
        {outcome.rejected.slice(0, shown).map((row) => (
          <Table.Tr key={`${row.row} ${row.field}`}>
            <Table.Td>{row.row}</Table.Td>
            <Table.Td>{row.field ? (resource.fields[row.field]?.label ?? row.field) : '–'}</Table.Td>
            <Table.Td>{row.problem}</Table.Td>
          </Table.Tr>
        ))}
      </DataTable>
    </Stack>
  );
}
