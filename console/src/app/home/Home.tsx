import { Anchor, Box, Button, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconPackages, IconPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { fullName, products, type Resource } from '../../api/meta';
import { aggregate } from '../../api/records';
import { useMay, useMe, useMeta } from '../../api/session';
import { Empty } from '../../ui/Empty';
import { NamedIcon } from '../../ui/icons';
import { PageHead } from '../../ui/PageHead';
import { page } from '../pages';
import { Pipeline } from './Pipeline';
import { Recent } from './Recent';

/** Where somebody arrives: what is there, how the pipeline stands, what happened last. */
export function Home() {
  const { t } = useTranslation();
  const me = useMe();
  const meta = useMeta();
  const may = useMay();
  const resources = products(meta).resources.filter((resource) => resource.verbs.list && meta.nav.some((entry) => entry.module === resource.module && (entry.resource === resource.plural || entry.resource === resource.name)));
  const boards = resources.filter((resource) => resource.views.board && resource.verbs.aggregate);
  return (
    <>
      <PageHead title={me.tenant.name} />
      {resources.length === 0 ? (
        <Empty icon={<IconPackages size={32} aria-hidden />} title={t('home.empty')} hint={may('hub.modules:install') ? t('home.emptyHint') : t('home.emptyReader')}>
          <Button component={Link} to={page.modules}>
            {t('home.toMarketplace')}
          </Button>
        </Empty>
      ) : (
        <Stack gap="md">
          <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }} spacing="md">
            {resources.map((resource) => (
              <Tile key={fullName(resource)} resource={resource} />
            ))}
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md" style={{ alignItems: 'start' }}>
            {boards.map((resource) => (
              <Pipeline key={fullName(resource)} resource={resource} />
            ))}
            {may('account.events:read') && <Recent />}
          </SimpleGrid>
        </Stack>
      )}
    </>
  );
}

function Tile({ resource }: { resource: Resource }) {
  const { t, i18n } = useTranslation();
  const count = useQuery({
    queryKey: ['records', fullName(resource), 'totals', 'all'],
    queryFn: async ({ signal }) => (await aggregate(resource, { count: true }, signal)).items[0]?.count ?? 0,
    enabled: resource.verbs.aggregate,
    meta: { quiet: true },
  });
  return (
    <Card padding="md">
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Group gap="sm" wrap="nowrap" miw={0}>
          <Box visibleFrom="xs" lh={0}>
            <NamedIcon names={[resource.icon, resource.plural]} />
          </Box>
          <Anchor component={Link} to={page.list(resource)} size="sm" c="var(--mantine-color-text)" fw={500}>
            {resource.labels}
          </Anchor>
        </Group>
        {resource.verbs.create && (
          <Button component={Link} to={page.make(resource)} variant="subtle" size="compact-xs" px={4} aria-label={t('list.new', { label: resource.label })}>
            <IconPlus size={16} aria-hidden />
          </Button>
        )}
      </Group>
      <Title order={2} size="xl" mt={4}>
        {count.data === undefined ? <Text span inherit c="dimmed">–</Text> : new Intl.NumberFormat(i18n.language).format(count.data)}
      </Title>
    </Card>
  );
}
