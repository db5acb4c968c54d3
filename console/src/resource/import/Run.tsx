import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import { importFile, isStarted } from '../../api/records';
import type { ImportOutcome, Job } from '../../api/types';
import { jobsChanged } from '../../app/jobs';
import { JobProgress } from '../../ui/JobProgress';
import { Trouble } from '../../ui/Trouble';
import type { ChosenFile } from './ChooseFile';
import { pairs, type Mapping } from './MapColumns';

interface Props {
  resource: Resource;
  file: ChosenFile;
  mapping: Mapping;
  back: () => void;
  done: (outcome: ImportOutcome, stopped: boolean) => void;
}

/** The import itself. A short one answers at once, a long one is a job that goes on when the page is left. */
export function Run({ resource, file, mapping, back, done }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [job, setJob] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<unknown>(null);
  const [stopped, setStopped] = useState(false);
  const stop = useRef(new AbortController());
  const begun = useRef(false);

  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    const go = async () => {
      const answer = await importFile(resource, file.file, { key: mapping.key, map: pairs(file, mapping), dryRun: false }, stop.current.signal);
      if (!isStarted(answer)) return done(answer, false);
      jobsChanged(client);
      setJob(answer.job.id);
    };
    go().catch((error: unknown) => (stop.current.signal.aborted ? setStopped(true) : setTrouble(error)));
  }, [resource, file, mapping, done, client]);

  const over = (ended: Job) => {
    if (ended.result) done(ended.result as ImportOutcome, ended.status === 'cancelled');
    else if (ended.status === 'cancelled') setStopped(true);
  };

  return (
    <Stack gap="md">
      {trouble !== null && <Trouble error={trouble} />}
      {stopped && (
        <Text size="sm" role="status">
          {t('import.stopped')}. {t('import.stoppedHint')}
        </Text>
      )}
      {job !== null && <JobProgress id={job} over={over} />}
      {job === null && trouble === null && !stopped && (
        <>
          <Progress value={100} animated aria-label={t('import.running')} />
          <Text size="sm" role="status">
            {t('import.running')}
          </Text>
        </>
      )}
      <Group gap="sm">
        {trouble !== null || stopped ? (
          <Button variant="default" size="sm" onClick={back}>
            {t('act.back')}
          </Button>
        ) : (
          job === null && (
            <Button variant="default" size="sm" onClick={() => stop.current.abort()}>
              {t('act.cancel')}
            </Button>
          )
        )}
      </Group>
    </Stack>
  );
}
