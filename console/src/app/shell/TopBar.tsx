import { ActionIcon, Burger, Group, Kbd, Tooltip, UnstyledButton } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { CompanySwitcher } from './CompanySwitcher';
import { Jobs } from './Jobs';
import { ProfileMenu } from './ProfileMenu';
import { searchBox } from './searchBox';
import classes from './Shell.module.css';

const apple = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function TopBar({ navOpen, toggleNav }: { navOpen: boolean; toggleNav: () => void }) {
  const { t } = useTranslation();
  return (
    <Group h="100%" px="sm" justify="space-between" wrap="nowrap" gap="sm">
      <Group gap="sm" wrap="nowrap" miw={0}>
        <Burger opened={navOpen} onClick={toggleNav} hiddenFrom="sm" size="sm" aria-label={t('shell.nav')} aria-expanded={navOpen} />
        <CompanySwitcher />
      </Group>
      <UnstyledButton className={classes.search} onClick={searchBox.open} visibleFrom="sm">
        <IconSearch size={16} aria-hidden />
        <span style={{ flex: 1 }}>{t('search.button')}</span>
        <Kbd size="xs">{apple ? '⌘ K' : 'Ctrl K'}</Kbd>
      </UnstyledButton>
      <Group gap={4} wrap="nowrap">
        <Tooltip label={t('search.button')}>
          <ActionIcon onClick={searchBox.open} hiddenFrom="sm" aria-label={t('search.button')} size="lg">
            <IconSearch size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Jobs />
        <ProfileMenu />
      </Group>
    </Group>
  );
}
