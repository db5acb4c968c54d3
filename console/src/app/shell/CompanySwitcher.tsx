import { Button, Menu, Modal, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconBuilding, IconCheck, IconChevronDown, IconPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { makeCompany, switchTenant } from '../../api/platform';
import { useMe } from '../../api/session';
import { FormShell } from '../../ui/FormShell';
import { forgetJobs } from '../jobs';
import { page } from '../pages';

/** Which company somebody works in, the others, and a new one. */
export function CompanySwitcher() {
  const { t } = useTranslation();
  const me = useMe();
  const [making, dialog] = useDisclosure(false);
  const change = useSwitch();
  return (
    <>
      <Menu position="bottom-start" width={260}>
        <Menu.Target>
          <Button variant="subtle" color="gray" c="var(--mantine-color-text)" px="sm" leftSection={<IconBuilding size={16} aria-hidden />} rightSection={<IconChevronDown size={14} aria-hidden />} loading={change.isPending} maw={240} styles={{ label: { overflow: 'hidden', textOverflow: 'ellipsis' } }} aria-label={t('company.switch', { name: me.tenant.name })}>
            {me.tenant.name}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t('company.yours')}</Menu.Label>
          {me.tenants.map((tenant) => (
            <Menu.Item key={tenant.id} onClick={() => tenant.id !== me.tenant.id && change.mutate(tenant.slug)} rightSection={tenant.id === me.tenant.id ? <IconCheck size={16} aria-label={t('company.current')} /> : null}>
              {tenant.name}
              <Text size="xs" c="dimmed">
                {tenant.roles.join(', ')}
              </Text>
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconPlus size={16} aria-hidden />} onClick={dialog.open}>
            {t('company.make')}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <MakeCompany opened={making} close={dialog.close} />
    </>
  );
}

/** Another company is another world: nothing of the old one may stay on the screen. */
function useSwitch() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: switchTenant,
    onSuccess: async (me) => {
      forgetJobs();
      await navigate(page.home);
      client.clear();
      client.setQueryData(['me'], me);
    },
  });
}

function MakeCompany({ opened, close }: { opened: boolean; close: () => void }) {
  const { t } = useTranslation();
  const change = useSwitch();
  const form = useForm({ initialValues: { name: '' }, validate: { name: (name) => (name.trim() ? null : t('form.required')) } });
  return (
    <Modal opened={opened} onClose={close} title={t('company.make')} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <FormShell
        form={form}
        label={t('company.makeAndSwitch')}
        cancel={close}
        submit={async ({ name }) => {
          const made = await makeCompany(name.trim());
          await change.mutateAsync(made.slug);
          form.reset();
          close();
        }}
      >
        <Text size="sm" c="dimmed">
          {t('company.makeHint')}
        </Text>
        <TextInput label={t('company.name')} required data-autofocus {...form.getInputProps('name')} />
      </FormShell>
    </Modal>
  );
}
