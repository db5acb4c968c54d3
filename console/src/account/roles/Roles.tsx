import { ActionIcon, Button, Checkbox, Group, Menu, Text, TextInput, Tooltip, VisuallyHidden } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconCheck, IconDots, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { changeRole, fetchPermissions, fetchRoles, removeRole } from '../../api/platform';
import { useMay } from '../../api/session';
import type { Grant, Items, Permission, Role } from '../../api/types';
import { Confirm } from '../../ui/Confirm';
import { PageHead } from '../../ui/PageHead';
import { say } from '../../ui/toast';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { roleMeaning, roleName } from './roleName';
import { GrantDialog } from './GrantDialog';
import { RoleDialog } from './RoleDialog';
import classes from './Roles.module.css';

/** Every permission against every role. Built-in roles are computed and can only be copied. */
export function Roles() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay();
  const [making, setMaking] = useState<Role | 'empty' | null>(null);
  const [dropping, setDropping] = useState<Role | null>(null);
  const [granting, setGranting] = useState<{ role: Role; grant: Grant } | null>(null);
  const [words, setWords] = useState('');
  const roles = useQuery({ queryKey: ['roles', 'page'], queryFn: fetchRoles });
  const permissions = useQuery({ queryKey: ['permissions'], queryFn: fetchPermissions });
  const refresh = async () => {
    await Promise.all([client.invalidateQueries({ queryKey: ['roles'] }), client.invalidateQueries({ queryKey: ['meta'] }), client.invalidateQueries({ queryKey: ['me'] })]);
  };
  // A tick shows at once; several in a row are sent one after the other, each with those before it.
  const change = useMutation({
    mutationFn: ({ role, grants }: { role: Role; grants: Grant[] }) => changeRole(role.name, { grants }),
    scope: { id: 'roles' },
    onMutate: ({ role, grants }) =>
      client.setQueryData<Items<Role>>(['roles', 'page'], (before) => before && { items: before.items.map((each) => (each.name === role.name ? Object.assign({}, each, { permissions: grants }) : each)) }),
    onSettled: refresh,
  });
  const drop = useMutation({ mutationFn: removeRole, onSuccess: () => say(t('role.removed')), onSettled: refresh });

  const toggle = (role: Role, permission: string, on: boolean) => change.mutate({ role, grants: on ? [...role.permissions, { permission, when: null }] : role.permissions.filter((grant) => grant.permission !== permission) });
  const error = roles.error ?? permissions.error;
  const matches = (each: Permission) => `${each.permission} ${each.title}`.toLowerCase().includes(words.trim().toLowerCase());
  const groups = Object.entries(Object.groupBy((permissions.data?.items ?? []).filter(matches), (each) => each.permission.split(':')[0] ?? ''));

  return (
    <>
      <PageHead title={t('nav.roles')} hint={`${t('role.hint')} ${t('role.builtinHint')}`}>
        {may('account.roles:create') && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setMaking('empty')}>
            {t('role.make')}
          </Button>
        )}
      </PageHead>
      {(roles.isPending || permissions.isPending) && <Waiting />}
      {error && <Trouble error={error} retry={() => void Promise.all([roles.refetch(), permissions.refetch()])} />}
      {roles.data && permissions.data && (
        <>
          <TextInput size="xs" maw={320} mb="sm" aria-label={t('role.search')} placeholder={t('role.search')} value={words} onChange={(event) => setWords(event.currentTarget.value)} />
          <section className={classes.frame} tabIndex={0} aria-label={t('role.matrix')}>
            <table className={classes.matrix}>
              <thead>
                <tr>
                  <th scope="col">{t('role.permission')}</th>
                  {roles.data.items.map((role) => (
                    <th scope="col" key={role.name}>
                      <Group gap={2} wrap="nowrap" justify="center">
                        <Tooltip label={roleMeaning(role.title)} disabled={roleMeaning(role.title) === ''}>
                          <span>{roleName(role.title)}</span>
                        </Tooltip>
                        <Menu position="bottom-end">
                          <Menu.Target>
                            <ActionIcon size="sm" aria-label={t('role.actions', { title: roleName(role.title) })}>
                              <IconDots size={14} aria-hidden />
                            </ActionIcon>
                          </Menu.Target>
                          <Menu.Dropdown>
                            <Menu.Item disabled={!may('account.roles:create')} onClick={() => setMaking(role)}>
                              {t('role.copy')}
                            </Menu.Item>
                            <Menu.Item disabled={role.builtin || !may('account.roles:delete')} color="var(--mantine-color-error)" onClick={() => setDropping(role)}>
                              {t('act.delete')}
                              {role.builtin && ` · ${t('role.builtin')}`}
                            </Menu.Item>
                          </Menu.Dropdown>
                        </Menu>
                      </Group>
                    </th>
                  ))}
                </tr>
              </thead>
              {groups.map(([name, members]) => (
                <tbody key={name}>
                  <tr className={classes.group}>
                    <th scope="rowgroup">{name}</th>
                    <td colSpan={roles.data.items.length} />
                  </tr>
                  {(members ?? []).map((each) => (
                    <tr key={each.permission}>
                      <th scope="row">
                        {each.title}{' '}
                        <Text span size="xs" c="dimmed">
                          {each.permission}
                        </Text>
                      </th>
                      {roles.data.items.map((role) => {
                        const grant = role.permissions.find((one) => one.permission === each.permission);
                        return (
                          <td key={role.name}>
                            <Cell role={role} grant={grant} label={`${roleName(role.title)}: ${each.title}`} editable={!role.builtin && may('account.roles:update')} toggle={(on) => toggle(role, each.permission, on)} condition={() => grant && setGranting({ role, grant })} />
                          </td>
                        );
                      })}
                    </tr>
                  ))}
                </tbody>
              ))}
            </table>
          </section>
        </>
      )}
      <RoleDialog from={making} close={() => setMaking(null)} made={refresh} />
      {granting && (
        <GrantDialog
          grant={granting.grant}
          close={() => setGranting(null)}
          save={async (when) => {
            const grants = granting.role.permissions.map((each) => (each.permission === granting.grant.permission ? { ...each, when } : each));
            await changeRole(granting.role.name, { grants });
            await refresh();
            say(t('role.saved'));
          }}
        />
      )}
      <Confirm opened={dropping !== null} close={() => setDropping(null)} title={t('role.delete', { title: roleName(dropping?.title ?? '') })} label={t('act.delete')} run={async () => dropping && drop.mutateAsync(dropping.name)}>
        {t('role.deleteHint')}
      </Confirm>
    </>
  );
}

function Cell({ role, grant, label, editable, toggle, condition }: { role: Role; grant: Grant | undefined; label: string; editable: boolean; toggle: (on: boolean) => void; condition: () => void }) {
  const { t } = useTranslation();
  if (role.builtin) {
    return (
      <>
        {grant && <IconCheck size={16} aria-hidden className={classes.held} />}
        <VisuallyHidden>{grant ? t('word.yes') : t('word.no')}</VisuallyHidden>
        {grant?.when && (
          <Text span size="xs" c="dimmed" title={grant.when}>
            {t('role.if')}
          </Text>
        )}
      </>
    );
  }
  return (
    <Group gap={4} justify="center" wrap="nowrap">
      <Tooltip label={t('denied.reason')} disabled={editable}>
        <span>
          <Checkbox size="xs" aria-label={label} checked={grant !== undefined} disabled={!editable} onChange={(event) => toggle(event.currentTarget.checked)} />
        </span>
      </Tooltip>
      {grant && (grant.when || editable) && (
        <Tooltip label={grant.when ?? t('role.condition')}>
          <Button size="compact-xs" variant="subtle" color="gray" px={4} disabled={!editable} onClick={condition} aria-label={`${label}: ${grant.when ?? t('role.condition')}`}>
            {grant.when ? t('role.if') : '+'}
          </Button>
        </Tooltip>
      )}
    </Group>
  );
}
