import { List, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { fullName, type Resource } from '../../api/meta';
import type { BulkOutcome } from '../../api/types';
import { RefTitle } from '../values/titles';

/** What a bulk change did, or would do; every refused record by name with its reason. */
export function BulkReport({ resource, outcome, future }: { resource: Resource; outcome: BulkOutcome; future: boolean }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" role="status">
      <Text size="sm">{t(future ? 'bulk.would' : 'bulk.did', { matched: outcome.matched, changed: outcome.changed, unchanged: outcome.unchanged, rejected: outcome.rejected.length })}</Text>
      {outcome.rejected.length > 0 && (
        <List size="sm" spacing={4}>
          {outcome.rejected.slice(0, 20).map((row) => (
            <List.Item key={row.id}>
              <RefTitle to={fullName(resource)} id={row.id} />: {typeof row.problem === 'string' ? row.problem : (row.problem.detail ?? row.problem.title ?? row.problem.code)}
            </List.Item>
          ))}
        </List>
      )}
    </Stack>
  );
}
