import { ActionIcon, Button, Group, Indicator, Popover, Progress, Stack, Text, Tooltip } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconLoader } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { findByFullName } from '../../api/meta';
import { cancelJob } from '../../api/platform';
import { useMeta } from '../../api/session';
import type { Job } from '../../api/types';
import { When } from '../../ui/When';
import { isOver, jobsChanged, jobsQuery } from '../jobs';

/** What is running, wherever the person has gone meanwhile. */
export function Jobs() {
  const { t } = useTranslation();
  const jobs = useQuery(jobsQuery).data ?? [];
  const running = jobs.filter((job) => !isOver(job)).length;
  return (
    <Popover position="bottom-end" width={300} shadow="md" trapFocus>
      <Popover.Target>
        <Tooltip label={t('jobs.title')}>
          <Indicator disabled={running === 0} label={running} size={16} color="accent" offset={4}>
            <ActionIcon size="lg" aria-label={t('jobs.button', { count: running })}>
              <IconLoader size={18} aria-hidden />
            </ActionIcon>
          </Indicator>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={t('jobs.title')}>
        <Stack gap="md">
          {jobs.length === 0 && (
            <Text size="sm" c="dimmed">
              {t('jobs.none')}
            </Text>
          )}
          {jobs.slice(0, 6).map((job) => (
            <OneJob key={job.id} job={job} />
          ))}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function OneJob({ job }: { job: Job }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const label = useJobLabel(job.kind);
  const cancel = useMutation({ mutationFn: cancelJob, onSettled: () => jobsChanged(client) });
  return (
    <Stack gap={4}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{label}</Text>
        <Text size="xs" c="dimmed">
          {t(`jobs.status.${job.status}`)}
          {job.finished_at && (
            <>
              {' '}
              <When at={job.finished_at} />
            </>
          )}
        </Text>
      </Group>
      {!isOver(job) && (
        <Group gap="sm" wrap="nowrap">
          <Progress value={job.progress} aria-label={label} size="sm" flex={1} />
          <Button size="compact-xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate(job.id)}>
            {t('act.cancel')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

/** `crm.companies.import` in the words of its page. */
function useJobLabel(kind: string): string {
  const { t } = useTranslation();
  const meta = useMeta();
  const [module, plural, verb] = kind.split('.');
  const resource = findByFullName(meta, `${module}.${plural}`);
  if (!resource) return kind;
  return verb === 'import' ? t('import.title', { labels: resource.labels }) : t('bulk.title', { labels: resource.labels });
}
