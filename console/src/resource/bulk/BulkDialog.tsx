import { Alert, Button, Group, Modal, Select, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import { bulk, isStarted } from '../../api/records';
import { useMe, useMeta } from '../../api/session';
import type { BulkOutcome, FieldValue, Job } from '../../api/types';
import { jobsChanged } from '../../app/jobs';
import { JobProgress } from '../../ui/JobProgress';
import { emptyDraft, formFields, fromDraft, type Draft } from '../form/draft';
import { FieldInput } from '../form/FieldInput';
import { refreshRecords } from '../refresh';
import { BulkReport } from './BulkReport';

export interface BulkChoice {
  /** `update`, `delete`, or the name of a move. */
  do: string;
  label: string;
}

interface Props {
  resource: Resource;
  choice: BulkChoice;
  target: { ids: string[] } | { filter: string };
  close: () => void;
  done: () => void;
}

/** Many records at once: choose, look at what would happen, then let it happen. */
export function BulkDialog({ resource, choice, target, close, done }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const me = useMe();
  const { currency } = useMeta();
  const fields = formFields(resource);
  const [name, setName] = useState(fields[0]?.[0] ?? '');
  const field = fields.find(([each]) => each === name)?.[1];
  const [draft, setDraft] = useState<Draft>('');
  const [applied, setApplied] = useState<BulkOutcome | null>(null);
  const [job, setJob] = useState<string | null>(null);

  const patch: Record<string, FieldValue> | undefined = choice.do === 'update' && field ? { [name]: fromDraft(field, draft) } : undefined;
  const ask = (dryRun: boolean) => bulk(resource, { ...target, do: choice.do, dry_run: dryRun, ...(patch && { patch }) });
  const preview = useMutation({ mutationFn: () => ask(true) });
  const finish = () => refreshRecords(client, resource);
  const over = ({ result }: Job) => {
    if (result) setApplied(result as BulkOutcome);
    finish();
  };
  const apply = useMutation({
    mutationFn: () => ask(false),
    onSuccess: (answer) => {
      if (isStarted(answer)) {
        jobsChanged(client);
        setJob(answer.job.id);
      } else {
        setApplied(answer);
        finish();
      }
    },
  });

  const shut = () => {
    if (applied || job) done();
    close();
  };
  const foreseen = preview.data && !isStarted(preview.data) ? preview.data : null;

  return (
    <Modal opened onClose={shut} title={`${choice.label}: ${resource.labels}`} size="md" closeButtonProps={{ 'aria-label': t('act.close') }}>
      <Stack gap="md">
        {choice.do === 'update' && !applied && !job && (
          <>
            <Select
              label={t('bulk.field')}
              data={fields.map(([each, { label }]) => ({ value: each, label }))}
              value={name}
              allowDeselect={false}
              searchable
              onChange={(next) => {
                const chosen = fields.find(([each]) => each === next);
                if (!chosen) return;
                setName(chosen[0]);
                setDraft(emptyDraft({ ...chosen[1], default: null }, me.user.member, currency));
                preview.reset();
              }}
            />
            {field && (
              <FieldInput
                key={name}
                field={{ ...field, required: false }}
                value={draft}
                onChange={(value) => {
                  setDraft(value);
                  preview.reset();
                }}
              />
            )}
          </>
        )}
        {choice.do === 'delete' && !applied && !job && (
          <Alert color="red" variant="outline">
            {t('bulk.deleteHint')}
          </Alert>
        )}
        {foreseen && !applied && !job && <BulkReport resource={resource} outcome={foreseen} future />}
        {applied && <BulkReport resource={resource} outcome={applied} future={false} />}
        {job && <JobProgress id={job} over={over} />}
        {preview.data && isStarted(preview.data) && <Text size="sm">{t('bulk.large')}</Text>}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" size="sm" onClick={shut}>
            {applied || job ? t('act.close') : t('act.cancel')}
          </Button>
          {!applied && !job && !preview.data && (
            <Button size="sm" loading={preview.isPending} onClick={() => preview.mutate()}>
              {t('bulk.preview')}
            </Button>
          )}
          {!applied && !job && preview.data && (
            <Button size="sm" color={choice.do === 'delete' ? 'red.8' : undefined} loading={apply.isPending} disabled={foreseen?.changed === 0} onClick={() => apply.mutate()}>
              {foreseen ? t('bulk.apply', { count: foreseen.changed }) : t('bulk.applyAll')}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}
