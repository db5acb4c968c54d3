import { NavLink, ScrollArea, Text } from '@mantine/core';
import { IconActivity, IconHome, IconKey, IconMailForward, IconPackages, IconShieldCheck, IconUsers } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'react-router';
import { findResource, products } from '../../api/meta';
import { useMay, useMeta } from '../../api/session';
import { NamedIcon } from '../../ui/icons';
import { page } from '../pages';
import classes from './Shell.module.css';

/** Left: what is installed, then what concerns the company itself. */
export function Nav({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const meta = useMeta();
  const may = useMay();
  const item = (to: string, label: string, icon: ReactNode) => <Item key={to} to={to} label={label} icon={icon} close={close} />;

  return (
    <ScrollArea p="sm" type="auto">
      {item(page.home, t('nav.home'), <IconHome size={18} stroke={1.6} aria-hidden />)}
      {products(meta).modules.map((module) => {
        const entries = meta.nav.filter((entry) => entry.module === module.name);
        if (entries.length === 0) return null;
        return (
          <div key={module.name}>
            <Text className={classes.section}>{module.title}</Text>
            {entries.map((entry) => item(entry.path, entry.label, <NamedIcon names={[findResource(meta, entry.module, entry.resource)?.icon, entry.resource, module.icon]} />))}
          </div>
        );
      })}
      <Text className={classes.section}>{t('nav.company')}</Text>
      {item(page.members, t('nav.members'), <IconUsers size={18} stroke={1.6} aria-hidden />)}
      {may('account.invitations:read') && item(page.invitations, t('nav.invitations'), <IconMailForward size={18} stroke={1.6} aria-hidden />)}
      {item(page.roles, t('nav.roles'), <IconShieldCheck size={18} stroke={1.6} aria-hidden />)}
      {item(page.keys, t('nav.keys'), <IconKey size={18} stroke={1.6} aria-hidden />)}
      {may('account.events:read') && item(page.events, t('nav.events'), <IconActivity size={18} stroke={1.6} aria-hidden />)}
      {item(page.modules, t('nav.modules'), <IconPackages size={18} stroke={1.6} aria-hidden />)}
    </ScrollArea>
  );
}

function Item({ to, label, icon, close }: { to: string; label: string; icon: ReactNode; close: () => void }) {
  const { pathname } = useLocation();
  const active = to === page.home ? pathname === to : pathname === to || pathname.startsWith(`${to}/`);
  return <NavLink component={Link} to={to} label={label} leftSection={icon} active={active} aria-current={active ? 'page' : undefined} className={classes.link} onClick={close} variant="subtle" />;
}
