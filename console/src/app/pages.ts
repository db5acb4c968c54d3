import type { ResourceRef } from '../api/paths';

/** Every page of the console by name, so that no link is spelled by hand. */
export const page = {
  home: '/',
  signUp: '/sign-up',
  checkMail: '/check-mail',
  signIn: '/sign-in',
  forgot: '/forgot',
  modules: '/modules',
  events: '/events',
  members: '/account/members',
  invitations: '/account/invitations',
  roles: '/account/roles',
  keys: '/account/keys',
  profile: '/account/profile',
  list: (r: ResourceRef, query?: string) => `/${r.module}/${r.plural}${query ? `?${query}` : ''}`,
  record: (r: ResourceRef, id: string) => `/${r.module}/${r.plural}/${id}`,
  make: (r: ResourceRef) => `/${r.module}/${r.plural}?new=1`,
  imports: (r: ResourceRef) => `/${r.module}/${r.plural}/import`,
};
