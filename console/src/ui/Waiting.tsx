import { Group, Skeleton, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';

/** The shape of a page while its first answer is on the way. */
export function Waiting({ rows = 8 }: { rows?: number }) {
  const { t } = useTranslation();
  return (
    <Stack gap="sm" role="status" aria-label={t('act.loading')}>
      <Group justify="space-between" mb="sm">
        <Skeleton h={28} w={180} />
        <Skeleton h={28} w={96} />
      </Group>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} h={28} />
      ))}
    </Stack>
  );
}
