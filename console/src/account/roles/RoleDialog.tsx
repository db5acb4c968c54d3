import { Modal, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { makeRole } from '../../api/platform';
import type { Role } from '../../api/types';
import { roleName } from './roleName';
import { FormShell } from '../../ui/FormShell';
import { say } from '../../ui/toast';

/** A role of the company's own, empty or as a copy. */
export function RoleDialog({ from, close, made }: { from: Role | 'empty' | null; close: () => void; made: () => Promise<void> }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { title: '' }, validate: { title: (title) => (slug(title) ? null : t('form.required')) } });
  const copied = from === null || from === 'empty' ? null : from;
  return (
    <Modal opened={from !== null} onClose={close} title={copied ? t('role.copyOf', { title: roleName(copied.title) }) : t('role.make')} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <FormShell
        form={form}
        label={t('act.create')}
        cancel={close}
        submit={async ({ title }) => {
          await makeRole({ name: slug(title), title: title.trim(), grants: copied?.permissions ?? [] });
          await made();
          say(t('role.saved'));
          form.reset();
          close();
        }}
      >
        <TextInput label={t('field.name')} required data-autofocus {...form.getInputProps('title')} />
        <Text size="xs" c="dimmed">
          {copied ? t('role.copyHint', { count: copied.permissions.length }) : t('role.emptyHint')}
        </Text>
      </FormShell>
    </Modal>
  );
}

/** `Sales (North)` → `sales_north`. */
function slug(title: string): string {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[^a-z]+|_+$/g, '')
    .slice(0, 20);
}
