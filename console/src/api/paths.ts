/** Every address of the server that the console uses, in one place. Segments are always encoded. */
const root = '/api/v1';
const at = (...segments: string[]) => `${root}/${segments.map(encodeURIComponent).join('/')}`;

/** `crm.deals` as the two words it is made of. */
export interface ResourceRef {
  module: string;
  plural: string;
}

export const api = {
  me: `${root}/me`,
  meta: `${root}/meta`,
  setup: `${root}/setup`,
  modules: `${root}/modules`,
  module: (name: string, verb: 'install' | 'uninstall' | 'purge') => at('modules', name, verb),
  auth: (verb: 'register' | 'verify' | 'resend' | 'sign-in' | 'sign-out' | 'forgot' | 'reset' | 'switch' | 'accept-invitation') => at('auth', verb),
  account: (thing: 'profile' | 'password' | 'sessions' | 'companies' | 'members' | 'invitations' | 'roles' | 'permissions' | 'keys' | 'leave' | 'views') => at('account', thing),
  accountPage: (thing: 'members' | 'invitations', query: URLSearchParams) => withQuery(at('account', thing), query),
  accountItem: (thing: 'sessions' | 'members' | 'invitations' | 'roles' | 'keys' | 'views', id: string) => at('account', thing, id),
  resend: (id: string) => at('account', 'invitations', id, 'resend'),
  events: (query: URLSearchParams) => withQuery(`${root}/events`, query),
  search: (query: URLSearchParams) => withQuery(`${root}/search`, query),
  jobs: `${root}/jobs`,
  job: (id: string) => at('jobs', id),
  cancelJob: (id: string) => at('jobs', id, 'cancel'),
  demo: '/dev/demo',

  records: (r: ResourceRef, query?: URLSearchParams) => withQuery(at(r.module, r.plural), query),
  record: (r: ResourceRef, id: string, query?: URLSearchParams) => withQuery(at(r.module, r.plural, id), query),
  recordVerb: (r: ResourceRef, id: string, verb: string) => at(r.module, r.plural, id, verb),
  collection: (r: ResourceRef, verb: 'bulk' | 'aggregate' | 'import' | 'export', query?: URLSearchParams) =>
    withQuery(`${at(r.module, r.plural)}:${verb}`, query),
};

export function withQuery(path: string, query?: URLSearchParams): string {
  const text = query?.toString();
  return text ? `${path}?${text}` : path;
}
