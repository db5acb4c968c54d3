import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Resource } from '../../api/meta';
import type { ImportOutcome } from '../../api/types';
import { page } from '../../app/pages';
import { Counts, RejectedRows } from './Counts';

export function Outcome({ resource, outcome, stopped, again }: { resource: Resource; outcome: ImportOutcome; stopped: boolean; again: () => void }) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      <Title order={2}>{t(stopped ? 'import.stopped' : 'import.done')}</Title>
      {stopped && <Text size="sm">{t('import.stoppedHint')}</Text>}
      <Counts outcome={outcome} future={false} />
      <RejectedRows resource={resource} outcome={outcome} />
      <Group gap="sm">
        <Button size="sm" component={Link} to={page.list(resource)}>
          {t('import.show', { labels: resource.labels })}
        </Button>
        <Button size="sm" variant="default" onClick={again}>
          {t('import.again')}
        </Button>
      </Group>
    </Stack>
  );
}
