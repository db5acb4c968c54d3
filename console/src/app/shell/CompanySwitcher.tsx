import { Button, Menu, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconBuilding, IconCheck, IconChevronDown, IconPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { useMe } from '../../api/session';
import { MakeCompany } from './MakeCompany';
import { useSwitch } from './useSwitch';

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
