import { Code, Modal, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import type { Grant } from '../../api/types';
import { FormShell } from '../../ui/FormShell';

/** On which records a permission holds: an expression over the record, such as `owner == actor.id`. */
export function GrantDialog({ grant, close, save }: { grant: Grant; close: () => void; save: (when: string | null) => Promise<void> }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { when: grant.when ?? '' } });
  return (
    <Modal opened onClose={close} title={t('role.condition')} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <FormShell
        form={form}
        label={t('act.save')}
        cancel={close}
        submit={async ({ when }) => {
          await save(when.trim() || null);
          close();
        }}
      >
        <Text size="sm">
          {t('role.conditionHint')} <Code>{grant.permission}</Code>
        </Text>
        <TextInput label={t('filter.expression')} placeholder="owner == actor.id" spellCheck={false} data-autofocus {...form.getInputProps('when')} />
      </FormShell>
    </Modal>
  );
}
