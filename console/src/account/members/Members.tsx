import { ActionIcon, Badge, Button, Group, Menu, MultiSelect, Table, Text, TextInput, Tooltip } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconDots, IconMailForward } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { changeMember, fetchMembers, leave, removeMember } from '../../api/platform';
import { useMay, useMe } from '../../api/session';
import type { Member } from '../../api/types';
import { page } from '../../app/pages';
import { Confirm } from '../../ui/Confirm';
import { DataTable } from '../../ui/DataTable';
import { PageHead } from '../../ui/PageHead';
import { say } from '../../ui/toast';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { When } from '../../ui/When';
import { roleName } from '../roles/roleName';
import { useRoles } from '../roles/useRoles';

type Ask = { what: 'remove' | 'deactivate'; member: Member } | { what: 'leave' };

/** Who works in this company, and as what. */
export function Members() {
  const { t } = useTranslation();
  const may = useMay();
  const [words, setWords] = useState('');
  const [ask, setAsk] = useState<Ask | null>(null);
  const list = useQuery({ queryKey: ['members', 'page'], queryFn: fetchMembers });
  const act = useMemberActions();
  const found = (list.data?.items ?? []).filter((member) => `${member.name} ${member.email}`.toLowerCase().includes(words.trim().toLowerCase()));
  return (
    <>
      <PageHead title={t('nav.members')} hint={t('member.hint')}>
        <Button variant="default" onClick={() => setAsk({ what: 'leave' })}>
          {t('member.leave')}
        </Button>
        <Tooltip label={t('denied.reason')} disabled={may('account.invitations:create')}>
          <Button leftSection={<IconMailForward size={16} aria-hidden />} component={Link} to={`${page.invitations}?new=1`} data-disabled={!may('account.invitations:create') || undefined}>
            {t('invitation.make')}
          </Button>
        </Tooltip>
      </PageHead>
      {list.isPending && <Waiting rows={4} />}
      {list.error && !list.data && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {list.data && (
        <>
          {list.data.items.length > 8 && <TextInput size="xs" maw={320} mb="sm" aria-label={t('member.search')} placeholder={t('member.search')} value={words} onChange={(event) => setWords(event.currentTarget.value)} />}
          <DataTable label={t('nav.members')} heads={[t('field.name'), t('member.roles'), t('member.status'), t('member.joined'), t('member.seen'), <span key="act" className="visually-hidden">{t('word.actions')}</span>]}>
            {found.map((member) => (
              <MemberRow key={member.id} member={member} ask={setAsk} change={(change) => act.change.mutate({ id: member.id, change })} />
            ))}
          </DataTable>
        </>
      )}
      <AskFirst ask={ask} close={() => setAsk(null)} act={act} />
    </>
  );
}

function useMemberActions() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const refresh = async () => {
    await Promise.all([client.invalidateQueries({ queryKey: ['members'] }), client.invalidateQueries({ queryKey: ['me'] })]);
  };
  const change = useMutation({
    mutationFn: ({ id, change }: { id: string; change: Parameters<typeof changeMember>[1] }) => changeMember(id, change),
    onSuccess: () => say(t('member.changed')),
    onSettled: refresh,
  });
  const drop = useMutation({ mutationFn: removeMember, onSuccess: () => say(t('member.removed')), onSettled: refresh });
  const go = useMutation({
    mutationFn: leave,
    onSuccess: async () => {
      await navigate(page.home);
      client.clear();
    },
  });
  return { change, drop, go };
}

function MemberRow({ member, ask, change }: { member: Member; ask: (ask: Ask) => void; change: (change: { roles?: string[]; status?: Member['status'] }) => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const may = useMay();
  const roles = useRoles();
  const [draft, setDraft] = useState<string[] | null>(null);
  const mine = member.id === me.user.member;
  const names = new Map((roles.data ?? []).map((role) => [role.name, roleName(role.title)]));
  for (const role of member.roles) if (!names.has(role)) names.set(role, role);
  const close = () => {
    if (draft && draft.length > 0 && draft.toSorted().join() !== member.roles.toSorted().join()) change({ roles: draft });
    setDraft(null);
  };
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={500}>
          {mine ? t('member.me', { name: member.name }) : member.name}
        </Text>
        <Text size="xs" c="dimmed">
          {member.email}
        </Text>
      </Table.Td>
      <Table.Td miw={200}>
        {may('account.members:update') ? (
          <MultiSelect size="xs" aria-label={t('member.rolesOf', { name: member.name })} data={[...names].map(([value, label]) => ({ value, label }))} value={draft ?? member.roles} onChange={setDraft} onDropdownClose={close} onBlur={close} />
        ) : (
          <Group gap={4}>
            {member.roles.map((role) => (
              <Badge key={role}>{names.get(role)}</Badge>
            ))}
          </Group>
        )}
      </Table.Td>
      <Table.Td>
        <Badge variant={member.status === 'active' ? 'light' : 'outline'}>{t(`member.statusOf.${member.status}`)}</Badge>
      </Table.Td>
      <Table.Td>
        <When at={member.joined_at} />
      </Table.Td>
      <Table.Td>
        <When at={member.seen_at} />
      </Table.Td>
      <Table.Td ta="end">
        {!mine && may('account.members:update') && (
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon aria-label={t('member.actions', { name: member.name })}>
                <IconDots size={16} aria-hidden />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {member.status === 'active' ? (
                <Menu.Item onClick={() => ask({ what: 'deactivate', member })}>{t('member.deactivate')}</Menu.Item>
              ) : (
                <Menu.Item onClick={() => change({ status: 'active' })}>{t('member.activate')}</Menu.Item>
              )}
              <Menu.Item color="var(--mantine-color-error)" disabled={!may('account.members:delete')} onClick={() => ask({ what: 'remove', member })}>
                {t('member.remove')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
      </Table.Td>
    </Table.Tr>
  );
}

function AskFirst({ ask, close, act }: { ask: Ask | null; close: () => void; act: ReturnType<typeof useMemberActions> }) {
  const { t } = useTranslation();
  const me = useMe();
  if (!ask) return null;
  if (ask.what === 'leave') {
    return (
      <Confirm opened close={close} title={t('member.leave')} label={t('member.leave')} run={() => act.go.mutateAsync()}>
        {t('member.leaveHint', { company: me.tenant.name })}
      </Confirm>
    );
  }
  const { member } = ask;
  return ask.what === 'remove' ? (
    <Confirm opened close={close} title={t('member.remove')} label={t('member.remove')} run={() => act.drop.mutateAsync(member.id)}>
      {t('member.removeHint', { name: member.name })}
    </Confirm>
  ) : (
    <Confirm opened close={close} title={t('member.deactivate')} label={t('member.deactivate')} run={() => act.change.mutateAsync({ id: member.id, change: { status: 'inactive' } })}>
      {t('member.deactivateHint', { name: member.name })}
    </Confirm>
  );
}
