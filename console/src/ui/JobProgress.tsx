import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { cancelJob } from '../api/platform';
import type { Job } from '../api/types';
import { isOver, jobQuery } from '../app/jobs';

/** A job on its way: how far it is, and a way to stop it. `over` is called once, when it has ended. */
export function JobProgress({ id, over }: { id: string; over: (job: Job) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: job } = useQuery(jobQuery(id));
  const cancel = useMutation({ mutationFn: () => cancelJob(id), onSuccess: () => client.invalidateQueries({ queryKey: ['job', id] }) });
  const told = useRef(false);
  useEffect(() => {
    if (job && isOver(job) && !told.current) {
      told.current = true;
      over(job);
    }
  }, [job, over]);
  return (
    <Stack gap="sm" role="status">
      <Progress value={job?.progress ?? 0} animated={!isOver(job)} aria-label={t('jobs.progress')} />
      <Group justify="space-between">
        <Text size="sm">
          {job ? t(`jobs.status.${job.status}`) : t('act.loading')}
          {job?.note ? ` · ${job.note}` : ''}
        </Text>
        {!isOver(job) && (
          <Button variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>
            {t('act.cancel')}
          </Button>
        )}
      </Group>
      {job?.error && (
        <Text size="sm" c="var(--mantine-color-error)">
          {job.error}
        </Text>
      )}
    </Stack>
  );
}
