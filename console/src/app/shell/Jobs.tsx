import { ActionIcon, Button, Group, Indicator, Popover, Progress, Stack, Text, Tooltip } from '@mantine/core';
import { useMutation, useQueries, useQueryClient } from '@tanstack/react-query';
import { IconLoader } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { cancelJob } from '../../api/platform';
import { isOver, jobQuery, useWatchedJobs } from '../jobs';

/** What is running, wherever the person has gone meanwhile. */
export function Jobs() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const watched = useWatchedJobs();
  const answers = useQueries({ queries: watched.map((job) => jobQuery(job.id)) });
  const cancel = useMutation({ mutationFn: cancelJob, onSuccess: (_, id) => client.invalidateQueries({ queryKey: ['job', id] }) });
  const running = answers.filter((answer) => answer.data && !isOver(answer.data)).length;
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
        <Stack gap="sm">
          {watched.length === 0 && (
            <Text size="sm" c="dimmed">
              {t('jobs.none')}
            </Text>
          )}
          {watched.map((job, at) => {
            const state = answers[at]?.data;
            return (
              <Stack key={job.id} gap={4}>
                <Group justify="space-between" wrap="nowrap">
                  <Text size="sm">{job.label}</Text>
                  <Text size="xs" c="dimmed">
                    {state ? t(`jobs.status.${state.status}`) : ''}
                  </Text>
                </Group>
                <Progress value={state?.progress ?? 0} aria-label={job.label} size="sm" />
                {!isOver(state) && (
                  <Group justify="flex-end">
                    <Button size="compact-xs" variant="default" onClick={() => cancel.mutate(job.id)}>
                      {t('act.cancel')}
                    </Button>
                  </Group>
                )}
              </Stack>
            );
          })}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
