import { Modal, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { makeCompany } from '../../api/platform';
import { FormShell } from '../../ui/FormShell';
import { useSwitch } from './useSwitch';

export function MakeCompany({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={close} title={t('company.make')} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <MakeCompanyForm close={close} />
    </Modal>
  );
}

/** Makes a company and goes there. */
export function MakeCompanyForm({ close }: { close?: () => void }) {
  const { t } = useTranslation();
  const change = useSwitch();
  const form = useForm({ initialValues: { name: '' }, validate: { name: (name) => (name.trim() ? null : t('form.required')) } });
  return (
    <FormShell
      form={form}
      label={t('company.makeAndSwitch')}
      {...(close && { cancel: close })}
      submit={async ({ name }) => {
        const made = await makeCompany(name.trim());
        await change.mutateAsync(made.slug);
        close?.();
      }}
    >
      <Text size="sm" c="dimmed">
        {t('company.makeHint')}
      </Text>
      <TextInput label={t('company.name')} required data-autofocus {...form.getInputProps('name')} />
    </FormShell>
  );
}
