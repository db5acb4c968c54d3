import { Avatar, Menu, Text, Tooltip, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconLanguage, IconLogout, IconMoon, IconSun, IconUserCircle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { useMe } from '../../api/session';
import { chooseLanguage, currentLanguage, languages, type Language } from '../../i18n';
import { page } from '../pages';
import { useSignOut } from './useSignOut';

export function ProfileMenu() {
  const { t } = useTranslation();
  const me = useMe();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const out = useSignOut();
  const schemes = [
    { value: 'light', icon: <IconSun size={16} aria-hidden />, label: t('look.light') },
    { value: 'dark', icon: <IconMoon size={16} aria-hidden />, label: t('look.dark') },
    { value: 'auto', icon: <IconDeviceDesktop size={16} aria-hidden />, label: t('look.auto') },
  ] as const;
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <Tooltip label={me.user.name}>
          <UnstyledButton aria-label={t('profile.menu', { name: me.user.name })} p={4}>
            <Avatar size={28} radius="xl" color="accent" variant="filled" alt="">
              {initials(me.user.name)}
            </Avatar>
          </UnstyledButton>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.user.name}
          <Text size="xs" c="dimmed">
            {me.user.email}
          </Text>
        </Menu.Label>
        <Menu.Item leftSection={<IconUserCircle size={16} aria-hidden />} component={Link} to={page.profile}>
          {t('profile.title')}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>{t('look.title')}</Menu.Label>
        {schemes.map((scheme) => (
          <Menu.Item key={scheme.value} leftSection={scheme.icon} onClick={() => setColorScheme(scheme.value)} fw={colorScheme === scheme.value ? 600 : undefined} aria-current={colorScheme === scheme.value}>
            {scheme.label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        {(Object.keys(languages) as Language[]).map((language) => (
          <Menu.Item key={language} leftSection={<IconLanguage size={16} aria-hidden />} onClick={() => void chooseLanguage(language)} lang={language} fw={currentLanguage() === language ? 600 : undefined} aria-current={currentLanguage() === language}>
            {languages[language]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} className="turns" aria-hidden />} onClick={() => out.mutate(false)}>
          {t('profile.signOut')}
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} className="turns" aria-hidden />} onClick={() => out.mutate(true)}>
          {t('profile.signOutEverywhere')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  return ((words[0]?.[0] ?? '?') + (words.length > 1 ? (words.at(-1)?.[0] ?? '') : '')).toUpperCase();
}
