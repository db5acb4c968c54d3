import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { useMe, useMembers } from '../../api/session';

interface Props {
  label: string;
  required?: boolean;
  error?: React.ReactNode;
  value: string | null;
  title?: string | null | undefined;
  onChange: (id: string | null) => void;
}

/** Chooses a member. Who may not list members can still choose themselves. */
export function UserSelect({ value, title, onChange, ...rest }: Props) {
  const { t } = useTranslation();
  const me = useMe();
  const members = useMembers().data ?? [];
  const known = new Map(members.filter((member) => member.status === 'active').map((member) => [member.id, member.name]));
  known.set(me.user.member, t('member.me', { name: me.user.name }));
  if (value && !known.has(value)) known.set(value, title ?? t('record.formerMember'));
  return <Select {...rest} searchable clearable={!rest.required} data={[...known].map(([id, name]) => ({ value: id, label: name }))} value={value} onChange={onChange} />;
}
