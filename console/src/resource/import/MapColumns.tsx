import { Button, Group, Select, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Field, Resource } from '../../api/meta';
import { DataTable } from '../../ui/DataTable';
import { guessMapping } from './csv';
import type { ChosenFile } from './ChooseFile';

export interface Mapping {
  /** Column of the file by position, to field; null leaves a column out. */
  fields: (string | null)[];
  /** The field by which a row finds the record it belongs to; null makes a new record of every row. */
  key: string | null;
}

interface Props {
  resource: Resource;
  file: ChosenFile;
  before: Mapping | null;
  back: () => void;
  done: (mapping: Mapping) => void;
}

/** Which column fills which field. */
export function MapColumns({ resource, file, before, back, done }: Props) {
  const { t } = useTranslation();
  const fields = importable(resource);
  const [mapping, setMapping] = useState<Mapping>(() => before ?? start(file, fields));
  const mapped = mapping.fields.filter((field) => field !== null);
  const missing = fields.filter(([name, field]) => field.required && !mapped.includes(name) && field.default === undefined);
  const set = (at: number, field: string | null) => {
    const next = mapping.fields.map((old, index) => (index === at ? field : old === field ? null : old));
    setMapping({ fields: next, key: mapping.key !== null && next.includes(mapping.key) ? mapping.key : null });
  };
  return (
    <Stack gap="md">
      <Text size="sm">{t('import.columnsHint', { file: file.file.name })}</Text>
      <DataTable label={t('import.step.columns')} minWidth={520} heads={[t('import.column'), t('import.example'), t('import.field')]}>
        {file.columns.map((column, at) => (
          <Table.Tr key={column || at}>
            <Table.Th scope="row">{column}</Table.Th>
            <Table.Td c="dimmed" maw={280}>
              <Text size="sm" truncate>
                {file.samples.map((row) => row[at]).find(Boolean) ?? '–'}
              </Text>
            </Table.Td>
            <Table.Td>
              <Select size="xs" aria-label={t('import.fieldFor', { column })} placeholder={t('import.leaveOut')} clearable data={fields.map(([name, field]) => ({ value: name, label: field.required ? `${field.label} *` : field.label }))} value={mapping.fields[at] ?? null} onChange={(field) => set(at, field)} />
            </Table.Td>
          </Table.Tr>
        ))}
      </DataTable>
      <Select
        maw={360}
        label={t('import.key')}
        description={t('import.keyHint')}
        placeholder={t('import.noKey')}
        clearable
        data={mapped.map((name) => ({ value: name, label: resource.fields[name]?.label ?? name }))}
        value={mapping.key}
        onChange={(key) => setMapping({ ...mapping, key })}
      />
      {missing.length > 0 && (
        <Text size="sm" c="var(--mantine-color-error)" role="alert">
          {t('import.missing', { fields: missing.map(([, field]) => field.label).join(', ') })}
        </Text>
      )}
      <Group gap="sm">
        <Button variant="default" size="sm" onClick={back}>
          {t('act.back')}
        </Button>
        <Button size="sm" disabled={mapped.length === 0 || missing.length > 0} onClick={() => done(mapping)}>
          {t('import.toPreview')}
        </Button>
      </Group>
    </Stack>
  );
}

/** An import may set state fields too: it brings records from elsewhere as they are. */
function importable(resource: Resource): [string, Field][] {
  return Object.entries(resource.fields).filter(([name, field]) => field.writable || name === resource.states?.field);
}

function start(file: ChosenFile, fields: [string, Field][]): Mapping {
  const guessed = guessMapping(file.columns, fields);
  const key = fields.find(([name, field]) => field.unique && guessed.includes(name)) ?? fields.find(([name]) => (name === 'name' || name === 'email') && guessed.includes(name));
  return { fields: guessed, key: key?.[0] ?? null };
}

/** Pairs as the server wants them. */
export function pairs(file: ChosenFile, mapping: Mapping): [string, string][] {
  return mapping.fields.flatMap((field, at): [string, string][] => (field === null ? [] : [[file.columns[at] ?? '', field]]));
}
