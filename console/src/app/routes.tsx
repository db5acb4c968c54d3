import { createBrowserRouter, type RouteObject } from 'react-router';
import { Waiting } from '../ui/Waiting';
import { NotFound } from './NotFound';
import { PageTrouble } from './PageTrouble';
import { Shell } from './shell/Shell';

type Page = { Component: React.ComponentType };
const lazy = (load: () => Promise<Page>) => ({ lazy: load, HydrateFallback: Waiting });

/** Pages for people who are not signed in (yet). */
const outside: RouteObject[] = [
  { path: '/sign-up', ...lazy(async () => ({ Component: (await import('../account/sign-up/SignUp')).SignUp })) },
  { path: '/check-mail', ...lazy(async () => ({ Component: (await import('../account/sign-up/CheckMail')).CheckMail })) },
  { path: '/verify', ...lazy(async () => ({ Component: (await import('../account/sign-up/Verify')).Verify })) },
  { path: '/sign-in', ...lazy(async () => ({ Component: (await import('../account/sign-in/SignIn')).SignIn })) },
  { path: '/forgot', ...lazy(async () => ({ Component: (await import('../account/sign-in/Forgot')).Forgot })) },
  { path: '/reset', ...lazy(async () => ({ Component: (await import('../account/sign-in/Reset')).Reset })) },
  { path: '/accept-invitation', ...lazy(async () => ({ Component: (await import('../account/invitations/Accept')).Accept })) },
];

/** Pages within the shell. Resource pages are drawn from `/meta`; the last two lines serve every module. */
const inside: RouteObject[] = [
  { index: true, ...lazy(async () => ({ Component: (await import('./home/Home')).Home })) },
  { path: 'modules', ...lazy(async () => ({ Component: (await import('../modules/hub/marketplace/Marketplace')).Marketplace })) },
  { path: 'events', ...lazy(async () => ({ Component: (await import('../account/events/EventLog')).EventLog })) },
  { path: 'account/members', ...lazy(async () => ({ Component: (await import('../account/members/Members')).Members })) },
  { path: 'account/invitations', ...lazy(async () => ({ Component: (await import('../account/invitations/Invitations')).Invitations })) },
  { path: 'account/roles', ...lazy(async () => ({ Component: (await import('../account/roles/Roles')).Roles })) },
  { path: 'account/keys', ...lazy(async () => ({ Component: (await import('../account/keys/Keys')).Keys })) },
  { path: 'account/profile', ...lazy(async () => ({ Component: (await import('../account/profile/Profile')).Profile })) },
  { path: ':module/:plural', ...lazy(async () => ({ Component: (await import('../resource/list/ListPage')).ListPage })) },
  { path: ':module/:plural/import', ...lazy(async () => ({ Component: (await import('../resource/import/ImportPage')).ImportPage })) },
  { path: ':module/:plural/:id', ...lazy(async () => ({ Component: (await import('../resource/detail/DetailPage')).DetailPage })) },
  { path: '*', Component: NotFound },
];

export const makeRouter = () =>
  createBrowserRouter([
    { ErrorBoundary: PageTrouble, children: outside },
    // The inner boundary keeps the navigation when one page fails.
    { path: '/', Component: Shell, ErrorBoundary: PageTrouble, children: [{ ErrorBoundary: PageTrouble, children: inside }] },
  ]);
