import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import { isProblem } from '../../api/problem';
import { createRecord, etagOf, updateRecord } from '../../api/records';
import { useMe, useMeta } from '../../api/session';
import type { FieldValue, Row } from '../../api/types';
import { FormShell } from '../../ui/FormShell';
import { refreshRecords } from '../refresh';
import { expandedOf } from '../values/format';
import { ConflictDialog, type Conflict } from './ConflictDialog';
import { changedValues, emptyDraft, formFields, fromDraft, rowDrafts, type Draft, type Drafts } from './draft';
import { FieldInput } from './FieldInput';

interface Props {
  resource: Resource;
  /** The record to change; absent makes a new one. */
  row?: Row | undefined;
  /** What a new record starts with, such as the company it was made from. */
  preset?: Record<string, { value: string; title: string }> | undefined;
  saved: (row: Row) => void;
  cancel: () => void;
}

/** Creates or changes one record of any resource. */
export function RecordForm({ resource, row, preset, saved, cancel }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const me = useMe();
  const { currency } = useMeta();
  const fields = formFields(resource);
  const [before] = useState<Drafts>(() => (row ? rowDrafts(resource, row, currency) : Object.fromEntries(fields.map(([name, field]) => [name, preset?.[name]?.value ?? emptyDraft(field, me.user.member, currency)]))));
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const key = useRef({ body: '', key: '' });
  const form = useForm<Drafts>({
    initialValues: before,
    validate: Object.fromEntries(fields.filter(([, field]) => field.required && field.type !== 'boolean').map(([name, field]) => [name, (draft: Draft) => (isFilled(fromDraft(field, draft)) ? null : t('form.required'))])),
  });

  const done = (result: Row) => {
    refreshRecords(client, resource);
    saved(result);
  };

  const create = async (values: Drafts) => {
    const body = Object.fromEntries(fields.map(([name, field]) => [name, fromDraft(field, values[name] ?? '')]).filter(([, value]) => value !== null));
    const text = JSON.stringify(body);
    // The same values sent twice, say after a lost answer, make one record.
    if (key.current.body !== text) key.current = { body: text, key: crypto.randomUUID() };
    done((await createRecord(resource, body, key.current.key)).body);
  };

  const update = async (base: Row, change: Record<string, FieldValue>) => {
    if (Object.keys(change).length === 0) return done(base);
    try {
      done((await updateRecord(resource, base.id, change, etagOf(base))).body);
    } catch (error) {
      const current = isProblem(error, 412) ? (error.body['current'] as Row | undefined) : undefined;
      if (!current) throw error;
      setConflict({ base, mine: change, current });
    }
  };

  return (
    <>
      <FormShell form={form} label={row ? t('act.save') : t('act.create')} cancel={cancel} submit={(values) => (row ? update(row, changedValues(fields, before, values)) : create(values))}>
        {fields.map(([name, field], at) => (
          <FieldInput
            key={name}
            field={field}
            value={form.values[name] ?? ''}
            onChange={(value) => form.setFieldValue(name, value)}
            error={form.errors[name]}
            title={preset?.[name]?.title ?? (row && expandedOf(row, name)?.title)}
            first={at === 0}
          />
        ))}
      </FormShell>
      {conflict && (
        <ConflictDialog
          resource={resource}
          conflict={conflict}
          close={() => setConflict(null)}
          save={async (change) => {
            setConflict(null);
            await update(conflict.current, change);
          }}
        />
      )}
    </>
  );
}

function isFilled(value: FieldValue): boolean {
  return value !== null && !(Array.isArray(value) && value.length === 0);
}
