import { Stack } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { IconCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useParams } from 'react-router';
import { findResource, type Resource } from '../../api/meta';
import { useMeta } from '../../api/session';
import type { ImportOutcome } from '../../api/types';
import { NotFound } from '../../app/NotFound';
import { page } from '../../app/pages';
import { PageHead } from '../../ui/PageHead';
import { refreshRecords } from '../refresh';
import { ChooseFile, type ChosenFile } from './ChooseFile';
import { MapColumns, type Mapping } from './MapColumns';
import { Outcome } from './Outcome';
import { Preview } from './Preview';
import { Run } from './Run';
import classes from './Import.module.css';

/** A file becomes records in four steps; nothing is written before the last. */
export function ImportPage() {
  const { module = '', plural = '' } = useParams();
  const resource = findResource(useMeta(), module, plural);
  return resource?.verbs.import ? <Import resource={resource} /> : <NotFound />;
}

type Step = 'file' | 'columns' | 'preview' | 'run' | 'done';
const order: Step[] = ['file', 'columns', 'preview', 'run', 'done'];

function Import({ resource }: { resource: Resource }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [step, setStep] = useState<Step>('file');
  const [file, setFile] = useState<ChosenFile | null>(null);
  const [mapping, setMapping] = useState<Mapping | null>(null);
  const [outcome, setOutcome] = useState<{ result: ImportOutcome; stopped: boolean } | null>(null);
  return (
    <>
      <PageHead title={t('import.title', { labels: resource.labels })} crumbs={[{ label: resource.labels, to: page.list(resource) }]} />
      <Stack gap="lg" maw={960}>
        <ol className={classes.steps}>
          {(['file', 'columns', 'preview', 'run'] as const).map((each, at) => (
            <li key={each} aria-current={order.indexOf(step) === at ? 'step' : undefined} data-past={order.indexOf(step) > at || undefined}>
              <span className={classes.number}>{order.indexOf(step) > at ? <IconCheck size={12} aria-hidden /> : at + 1}</span>
              {t(`import.step.${each}`)}
            </li>
          ))}
        </ol>
        {step === 'file' && (
          <ChooseFile
            chosen={(next) => {
              setFile(next);
              setMapping(null);
              setStep('columns');
            }}
          />
        )}
        {step === 'columns' && file && (
          <MapColumns
            resource={resource}
            file={file}
            before={mapping}
            back={() => setStep('file')}
            done={(next) => {
              setMapping(next);
              setStep('preview');
            }}
          />
        )}
        {step === 'preview' && file && mapping && <Preview resource={resource} file={file} mapping={mapping} back={() => setStep('columns')} run={() => setStep('run')} />}
        {step === 'run' && file && mapping && (
          <Run
            resource={resource}
            file={file}
            mapping={mapping}
            back={() => setStep('preview')}
            done={(result, stopped) => {
              setOutcome({ result, stopped });
              setStep('done');
              refreshRecords(client, resource);
            }}
          />
        )}
        {step === 'done' && outcome && <Outcome resource={resource} outcome={outcome.result} stopped={outcome.stopped} again={() => setStep('file')} />}
      </Stack>
    </>
  );
}
