import { Group, MultiSelect, NumberInput, Select, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Field } from '../../api/meta';
import { useMe, useMembers, useMeta } from '../../api/session';
import { localMoment } from '../form/draft';
import { RefSelect } from '../form/RefSelect';
import type { Clause } from './clauses';

/** The right-hand side of a filter line. */
export function ClauseValue({ field, clause, change }: { field: Field; clause: Clause; change: (clause: Clause) => void }) {
  const { t } = useTranslation();
  const label = t('filter.value');
  const fallback = useMeta().currency;
  const set = (value: string) => change({ ...clause, value });
  const common = { size: 'xs', 'aria-label': label } as const;
  switch (field.type) {
    case 'choice':
      return clause.op === 'oneOf' ? (
        <MultiSelect {...common} w={240} data={field.options ?? []} value={clause.value ? clause.value.split(',') : []} onChange={(values) => set(values.join(','))} />
      ) : (
        <Select {...common} w={200} data={field.options ?? []} value={clause.value || null} onChange={(value) => set(value ?? '')} />
      );
    case 'integer':
      return <NumberInput {...common} w={160} value={clause.value} onChange={(value) => set(String(value))} allowDecimal={false} hideControls />;
    case 'money':
      return (
        <Group gap={4}>
          <NumberInput {...common} w={128} value={clause.value} onChange={(value) => set(String(value))} hideControls />
          <TextInput size="xs" w={64} aria-label={t('field.currency')} value={clause.currency ?? fallback} maxLength={3} onChange={(event) => change({ ...clause, currency: event.currentTarget.value.toUpperCase() })} />
        </Group>
      );
    case 'date':
      return <TextInput {...common} type="date" w={160} value={clause.value} onChange={(event) => set(event.currentTarget.value)} />;
    case 'datetime':
      return <TextInput {...common} type="datetime-local" w={210} value={clause.value.endsWith('Z') ? localMoment(clause.value) : clause.value} onChange={(event) => set(event.currentTarget.value)} />;
    case 'ref':
      return <RefChoice to={field.to} value={clause.value} change={set} label={label} />;
    case 'user':
      return <UserChoice value={clause.value} change={set} label={label} />;
    case 'text':
    case 'email':
    case 'url':
    case 'phone':
    case 'tags':
    case 'boolean':
      return <TextInput {...common} w={220} value={clause.value} onChange={(event) => set(event.currentTarget.value)} />;
  }
}

function RefChoice({ to, value, change, label }: { to: string | undefined; value: string; change: (value: string) => void; label: string }) {
  return <RefSelect label="" ariaLabel={label} size="xs" w={240} to={to} value={value || null} title={undefined} onChange={(id) => change(id ?? '')} />;
}

function UserChoice({ value, change, label }: { value: string; change: (value: string) => void; label: string }) {
  const me = useMe();
  const members = useMembers().data ?? [{ id: me.user.member, name: me.user.name }];
  return <Select size="xs" w={220} aria-label={label} searchable data={members.map((member) => ({ value: member.id, label: member.name }))} value={value || null} onChange={(id) => change(id ?? '')} />;
}
