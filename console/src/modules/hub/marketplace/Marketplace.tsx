import { Badge, Button, Card, Group, List, Menu, SimpleGrid, Stack, Text, Title, Tooltip } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconDots } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fetchModules, installModule, purgeModule, uninstallModule } from '../../../api/platform';
import { useMay } from '../../../api/session';
import type { ModuleOffer } from '../../../api/types';
import { Confirm } from '../../../ui/Confirm';
import { NamedIcon } from '../../../ui/icons';
import { PageHead } from '../../../ui/PageHead';
import { say } from '../../../ui/toast';
import { Trouble } from '../../../ui/Trouble';
import { Waiting } from '../../../ui/Waiting';

type Ask = { what: 'uninstall' | 'purge'; module: ModuleOffer };

/** What can be installed, what it brings, and what is installed. */
export function Marketplace() {
  const { t } = useTranslation();
  const [ask, setAsk] = useState<Ask | null>(null);
  const list = useQuery({ queryKey: ['modules'], queryFn: fetchModules });
  const act = useModuleActions();
  return (
    <>
      <PageHead title={t('nav.modules')} hint={t('module.hint')} />
      {list.isPending && <Waiting rows={3} />}
      {list.error && !list.data && <Trouble error={list.error} retry={() => void list.refetch()} />}
      <SimpleGrid cols={{ base: 1, md: 2, xl: 3 }} spacing="md">
        {list.data?.items.map((module) => (
          <Offer key={module.name} module={module} all={list.data.items} install={() => act.install.mutate(module)} busy={act.install.isPending && act.install.variables.name === module.name} ask={setAsk} />
        ))}
      </SimpleGrid>
      {ask?.what === 'uninstall' && (
        <Confirm opened close={() => setAsk(null)} title={t('module.uninstallTitle', { title: ask.module.title })} label={t('module.uninstall')} run={() => act.uninstall.mutateAsync(ask.module)}>
          {t('module.uninstallHint')}
        </Confirm>
      )}
      {ask?.what === 'purge' && (
        <Confirm opened close={() => setAsk(null)} title={t('module.purgeTitle', { title: ask.module.title })} label={t('module.purge')} typed={ask.module.name} run={() => act.purge.mutateAsync(ask.module)}>
          {t('module.purgeHint')}
        </Confirm>
      )}
    </>
  );
}

/** Installing changes the navigation, the roles and what everybody may do. */
function useModuleActions() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const refresh = async () => {
    await Promise.all(['modules', 'meta', 'me', 'roles', 'permissions'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  };
  const install = useMutation({ mutationFn: (module: ModuleOffer) => installModule(module.name), onSuccess: (_, module) => say(t('module.installed', { title: module.title })), onSettled: refresh });
  const uninstall = useMutation({ mutationFn: (module: ModuleOffer) => uninstallModule(module.name), onSuccess: (_, module) => say(t('module.uninstalled', { title: module.title })), onSettled: refresh });
  const purge = useMutation({ mutationFn: (module: ModuleOffer) => purgeModule(module.name), onSuccess: (_, module) => say(t('module.purged', { title: module.title })), onSettled: refresh });
  return { install, uninstall, purge };
}

function Offer({ module, all, install, busy, ask }: { module: ModuleOffer; all: ModuleOffer[]; install: () => void; busy: boolean; ask: (ask: Ask) => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const allowed = may('hub.modules:install');
  const missing = module.dependencies.filter((name) => !all.find((other) => other.name === name)?.installed);
  const reason = allowed ? (missing.length > 0 ? t('module.needs', { names: missing.join(', ') }) : null) : t('denied.reason');
  return (
    <Card component="article" aria-label={module.title}>
      <Stack gap="sm" h="100%">
        <Group justify="space-between" wrap="nowrap" align="flex-start">
          <Group gap="sm" wrap="nowrap">
            <NamedIcon names={[module.icon, module.name]} size={24} />
            <div>
              <Title order={2}>{module.title}</Title>
              <Text size="xs" c="dimmed">
                {t('module.version', { version: module.installed_version ?? module.version })}
              </Text>
            </div>
          </Group>
          {module.installed && <Badge>{t('module.isInstalled')}</Badge>}
          {module.has_data && <Badge>{t('module.hasData')}</Badge>}
        </Group>
        <Text size="sm">{module.description}</Text>
        <div>
          <Text size="xs" c="dimmed" fw={600}>
            {t('module.brings')}
          </Text>
          <List size="sm" spacing={2}>
            <List.Item>{t('module.resources', { names: module.resources.join(', ') })}</List.Item>
            <List.Item>{t('module.permissions', { count: module.permissions.length })}</List.Item>
            {module.dependencies.length > 0 && <List.Item>{t('module.needs', { names: module.dependencies.join(', ') })}</List.Item>}
          </List>
        </div>
        <Group justify="flex-end" mt="auto" gap="sm">
          {module.has_data && (
            <Button variant="subtle" color="gray" c="var(--mantine-color-error)" onClick={() => allowed && ask({ what: 'purge', module })} data-disabled={!allowed || undefined} aria-disabled={!allowed}>
              {t('module.purge')}
            </Button>
          )}
          {module.installed ? (
            <Menu position="bottom-end">
              <Menu.Target>
                <Button variant="default" rightSection={<IconDots size={14} aria-hidden />}>
                  {t('module.manage')}
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item disabled={!allowed} onClick={() => ask({ what: 'uninstall', module })}>
                  {t('module.uninstall')}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          ) : (
            <Tooltip label={reason} disabled={reason === null}>
              <Button loading={busy} onClick={() => reason === null && install()} data-disabled={reason !== null || undefined} aria-disabled={reason !== null}>
                {t('module.install')}
              </Button>
            </Tooltip>
          )}
        </Group>
      </Stack>
    </Card>
  );
}
