import { Button, Group, Modal, Radio, Stack, Table, Text } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import type { FieldValue, Row } from '../../api/types';
import { valueOf } from '../values/format';
import { ValueView } from '../values/ValueView';
import { DataTable } from '../../ui/DataTable';
import { same } from './draft';

export interface Conflict {
  /** The record as it was when the form was opened. */
  base: Row;
  /** What the person changed. */
  mine: Record<string, FieldValue>;
  /** The record as somebody else saved it meanwhile. */
  current: Row;
}

interface Props {
  resource: Resource;
  conflict: Conflict;
  close: () => void;
  save: (change: Record<string, FieldValue>) => Promise<void>;
}

/** Somebody else saved first: both values of every field that differs, and the person chooses. */
export function ConflictDialog({ resource, conflict, close, save }: Props) {
  const { t } = useTranslation();
  const { base, mine, current } = conflict;
  const differing = Object.entries(resource.fields).filter(([name]) => (name in mine || !same(valueOf(base, name), valueOf(current, name))) && !same(name in mine ? mine[name] : valueOf(base, name), valueOf(current, name)));
  const [choice, setChoice] = useState<Record<string, 'mine' | 'theirs'>>(() => Object.fromEntries(differing.map(([name]) => [name, name in mine ? 'mine' : 'theirs'])));
  const [busy, setBusy] = useState(false);

  const go = async () => {
    setBusy(true);
    const kept = differing.filter(([name]) => choice[name] === 'mine').map(([name]) => [name, name in mine ? (mine[name] ?? null) : valueOf(base, name)]);
    await save(Object.fromEntries(kept) as Record<string, FieldValue>).finally(() => setBusy(false));
  };

  return (
    <Modal opened onClose={close} size="lg" title={t('conflict.title')} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <Stack gap="md">
        <Text size="sm">{t('conflict.hint')}</Text>
        <DataTable label={t('conflict.title')} minWidth={480} wrap heads={[t('conflict.field'), t('conflict.mine'), t('conflict.theirs')]}>
          {differing.map(([name, field]) => {
            const pick = (side: 'mine' | 'theirs', value: FieldValue) => (
              <Radio
                name={`conflict-${name}`}
                checked={choice[name] === side}
                onChange={() => setChoice({ ...choice, [name]: side })}
                label={<ValueView field={field} value={value} plain />}
                aria-label={`${field.label}: ${t(`conflict.${side}`)}`}
              />
            );
            return (
              <Table.Tr key={name}>
                <Table.Th scope="row">{field.label}</Table.Th>
                <Table.Td>{pick('mine', name in mine ? (mine[name] ?? null) : valueOf(base, name))}</Table.Td>
                <Table.Td>{pick('theirs', valueOf(current, name))}</Table.Td>
              </Table.Tr>
            );
          })}
        </DataTable>
        <Group justify="flex-end" gap="sm">
          <Button variant="default" size="sm" onClick={close}>
            {t('conflict.back')}
          </Button>
          <Button size="sm" loading={busy} onClick={go}>
            {t('conflict.save')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
