import { Button, Group, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import { importFile, isStarted } from '../../api/records';
import type { ImportOutcome } from '../../api/types';
import { JobProgress } from '../../ui/JobProgress';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { useState } from 'react';
import type { ChosenFile } from './ChooseFile';
import { Counts, RejectedRows } from './Counts';
import { pairs, type Mapping } from './MapColumns';

interface Props {
  resource: Resource;
  file: ChosenFile;
  mapping: Mapping;
  back: () => void;
  run: () => void;
}

/** A dry run: the server reads the whole file and says what would happen, row by row. */
export function Preview({ resource, file, mapping, back, run }: Props) {
  const { t, i18n } = useTranslation();
  const [late, setLate] = useState<ImportOutcome | null>(null);
  const dry = useQuery({
    queryKey: ['import', file.file.name, file.file.lastModified, mapping],
    queryFn: ({ signal }) => importFile(resource, file.file, { key: mapping.key, map: pairs(file, mapping), dryRun: true }, signal),
    retry: false,
    gcTime: 0,
    staleTime: Infinity,
    meta: { quiet: true },
  });
  const outcome = late ?? (dry.data && !isStarted(dry.data) ? dry.data : null);
  const count = outcome ? outcome.created + outcome.updated : 0;
  return (
    <Stack gap="md">
      {dry.isPending && <Waiting rows={4} />}
      {dry.error && <Trouble error={dry.error} retry={() => void dry.refetch()} />}
      {dry.data && isStarted(dry.data) && !late && <JobProgress id={dry.data.job.id} over={(job) => setLate((job.result as ImportOutcome | null) ?? null)} />}
      {outcome && (
        <>
          <Counts outcome={outcome} future />
          <RejectedRows resource={resource} outcome={outcome} />
        </>
      )}
      <Group gap="sm">
        <Button variant="default" size="sm" onClick={back}>
          {t('act.back')}
        </Button>
        <Button size="sm" disabled={count === 0} onClick={run}>
          {outcome ? t('import.start', { count, formatted: new Intl.NumberFormat(i18n.language).format(count) }) : t('import.step.run')}
        </Button>
      </Group>
    </Stack>
  );
}
