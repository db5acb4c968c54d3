import { AppShell, Box, Skeleton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, Outlet, ScrollRestoration, useLocation } from 'react-router';
import { meQuery, metaQuery } from '../../api/session';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { page } from '../pages';
import { Nav } from './Nav';
import { NoCompany } from './NoCompany';
import { Search } from './Search';
import { TopBar } from './TopBar';
import classes from './Shell.module.css';

/** The frame around every page of somebody who is signed in. */
export function Shell() {
  const { t } = useTranslation();
  const me = useQuery(meQuery);
  const signedIn = Boolean(me.data?.tenant);
  const meta = useQuery({ ...metaQuery, enabled: signedIn });
  const [open, nav] = useDisclosure(false);
  const here = useLocation();

  if (me.data === null) return <Navigate to={signInFirst(here)} replace />;
  const error = me.error ?? meta.error;
  const ready = signedIn && meta.data !== undefined;
  if (me.data && me.data.tenant === null) return <NoCompany />;

  return (
    <AppShell header={{ height: 52 }} navbar={{ width: 224, breakpoint: 'sm', collapsed: { mobile: !open } }} padding={0} transitionDuration={0}>
      <a href="#content" className="skip">
        {t('shell.skip')}
      </a>
      <AppShell.Header className={classes.header}>{ready ? <TopBar navOpen={open} toggleNav={nav.toggle} /> : <Skeleton h={28} w={200} m="sm" />}</AppShell.Header>
      <AppShell.Navbar className={classes.nav} aria-label={t('shell.nav')} component="nav">
        {ready && <Nav close={nav.close} />}
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} className={classes.main}>
        <Box p={{ base: 'md', sm: 'lg' }} maw={1600}>
          {error && !ready ? (
            <Trouble error={error} retry={() => void (me.error ? me.refetch() : meta.refetch())} />
          ) : ready ? (
            <Suspense fallback={<Waiting />}>
              <Outlet />
            </Suspense>
          ) : (
            <Waiting />
          )}
        </Box>
      </AppShell.Main>
      {ready && <Search />}
      <ScrollRestoration />
    </AppShell>
  );
}

function signInFirst(here: { pathname: string; search: string; hash: string }): string {
  const next = here.pathname + here.search + here.hash;
  return next === page.home ? page.signIn : `${page.signIn}?${new URLSearchParams({ next })}`;
}
