import { get, patch, post, remove } from './client';
import { api } from './paths';
import type { Answer, Event, Grant, Hit, Input, Invitation, Items, Job, Key, Me, Member, ModuleOffer, Page, Permission, Role, Session, Setup, Tenant } from './types';
import type { Meta } from './meta';

/** What the platform itself can do, one function per operation. Records are in `records.ts`. */

export const fetchMe = (signal?: AbortSignal) => get<Me>(api.me, signal);
export const fetchMeta = (signal?: AbortSignal) => get<Meta>(api.meta, signal);
export const fetchSetup = () => get<Setup>(api.setup);
export const makeDemo = () => post<{ email: string; password: string }>(api.demo);

export const register = (input: Input<'auth.register'>) => post<unknown>(api.auth('register'), input);
export const verify = (token: string) => post<{ tenant: Tenant }>(api.auth('verify'), { token });
export const resendVerification = (email: string) => post<unknown>(api.auth('resend'), { email });
export const signIn = (input: Input<'auth.sign_in'>) => post<Me>(api.auth('sign-in'), input);
export const signOut = (everywhere: boolean) => post<void>(api.auth('sign-out'), everywhere ? { everywhere } : {});
export const forgot = (email: string) => post<unknown>(api.auth('forgot'), { email });
export const reset = (input: Input<'auth.reset'>) => post<void>(api.auth('reset'), input);
export const switchTenant = (tenant: string) => post<Me>(api.auth('switch'), { tenant });
export const acceptInvitation = (input: Input<'auth.accept_invitation'>) => post<Me>(api.auth('accept-invitation'), input);

export const renameMe = (name: string) => patch<unknown>(api.account('profile'), { name });
export const changePassword = (input: Input<'account.password.update'>) => post<void>(api.account('password'), input);
export const fetchSessions = () => get<Items<Session>>(api.account('sessions'));
export const endSession = (id: string) => remove(api.accountItem('sessions', id));
export const makeCompany = (name: string) => post<Tenant>(api.account('companies'), { name });

export const fetchMembers = () => whole((query) => get<Page<Member>>(api.accountPage('members', query)));
export const changeMember = (id: string, change: Input<'account.members.update'>) => patch<Member>(api.accountItem('members', id), change);
export const removeMember = (id: string) => remove(api.accountItem('members', id));
export const leave = () => post<void>(api.account('leave'));

export const fetchInvitations = () => whole((query) => get<Page<Invitation>>(api.accountPage('invitations', query)));
export const invite = (input: Input<'account.invitations.create'>) => post<Invitation>(api.account('invitations'), input);
export const resendInvitation = (id: string) => post<unknown>(api.resend(id));
export const cancelInvitation = (id: string) => remove(api.accountItem('invitations', id));

export const fetchRoles = () => get<Items<Role>>(api.account('roles'));
export const fetchPermissions = () => get<Items<Permission>>(api.account('permissions'));
export const makeRole = (input: { name: string; title: string; grants: Grant[] }) => post<Role>(api.account('roles'), { ...input, grants: input.grants.map(bare) });
export const changeRole = (name: string, change: { title?: string; grants?: Grant[] }) =>
  patch<Role>(api.accountItem('roles', name), { ...change, ...(change.grants && { grants: change.grants.map(bare) }) });
export const removeRole = (name: string) => remove(api.accountItem('roles', name));

export const fetchKeys = () => get<Items<Key>>(api.account('keys'));
export const makeKey = (input: Input<'account.keys.create'>) => post<Answer<'account.keys.create'>>(api.account('keys'), input);
export const removeKey = (id: string) => remove(api.accountItem('keys', id));

export const fetchModules = () => get<Items<ModuleOffer>>(api.modules);
export const installModule = (name: string) => post<unknown>(api.module(name, 'install'));
export const uninstallModule = (name: string) => post<unknown>(api.module(name, 'uninstall'));
export const purgeModule = (name: string) => post<unknown>(api.module(name, 'purge'), { confirm: name });

export const fetchEvents = (query: URLSearchParams, signal?: AbortSignal) => get<Page<Event>>(api.events(query), signal);
export const fetchJobs = (signal?: AbortSignal) => get<Items<Job>>(api.jobs, signal);
export const fetchJob = (id: string) => get<Job>(api.job(id));
export const cancelJob = (id: string) => post<unknown>(api.cancelJob(id));

export function searchEverything(words: string, signal?: AbortSignal) {
  return get<Items<Hit>>(api.search(new URLSearchParams({ q: words, limit: '12' })), signal);
}

/** A list that is shown whole, page after page. */
async function whole<T>(fetchPage: (query: URLSearchParams) => Promise<Page<T>>): Promise<Items<T>> {
  const items: T[] = [];
  let next: string | null = null;
  do {
    const query = new URLSearchParams({ limit: '200', ...(next && { cursor: next }) });
    const page: Page<T> = await fetchPage(query);
    items.push(...page.items);
    next = page.next;
  } while (next);
  return { items };
}

/** A grant without a condition does not mention one. */
function bare(grant: Grant): { permission: string; when?: string } {
  return grant.when ? { permission: grant.permission, when: grant.when } : { permission: grant.permission };
}
