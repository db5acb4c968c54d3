import { Badge, Button, Group, Modal, Select, Table, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconMailForward } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useSearchParams } from 'react-router';
import { cancelInvitation, fetchInvitations, invite, resendInvitation } from '../../api/platform';
import { useMay } from '../../api/session';
import type { Invitation } from '../../api/types';
import { Confirm } from '../../ui/Confirm';
import { DataTable } from '../../ui/DataTable';
import { Empty } from '../../ui/Empty';
import { FormShell } from '../../ui/FormShell';
import { PageHead } from '../../ui/PageHead';
import { say } from '../../ui/toast';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { When } from '../../ui/When';
import { roleName } from '../roles/roleName';
import { useRoles } from '../roles/useRoles';

/** Who was asked to come, and who has come. */
export function Invitations() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay();
  const [search, setSearch] = useSearchParams();
  const [dropping, setDropping] = useState<Invitation | null>(null);
  const list = useQuery({ queryKey: ['invitations'], queryFn: fetchInvitations });
  const refresh = () => client.invalidateQueries({ queryKey: ['invitations'] });
  const again = useMutation({ mutationFn: resendInvitation, onSuccess: () => say(t('invitation.resent')), onSettled: refresh });
  const drop = useMutation({ mutationFn: cancelInvitation, onSuccess: () => say(t('invitation.cancelled')), onSettled: refresh });
  const roles = useRoles();
  const title = (name: string) => roleName(roles.data?.find((role) => role.name === name)?.title ?? name);
  const open = () => setSearch({ new: '1' });
  const button = may('account.invitations:create') && (
    <Button leftSection={<IconMailForward size={16} aria-hidden />} onClick={open}>
      {t('invitation.make')}
    </Button>
  );
  return (
    <>
      <PageHead title={t('nav.invitations')} hint={t('invitation.hint')}>
        {button}
      </PageHead>
      {list.isPending && <Waiting rows={4} />}
      {list.error && !list.data && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {list.data?.items.length === 0 && (
        <Empty icon={<IconMailForward size={32} aria-hidden />} title={t('invitation.none')} hint={t('invitation.noneHint')}>
          {button}
        </Empty>
      )}
      {list.data && list.data.items.length > 0 && (
        <DataTable label={t('nav.invitations')} heads={[t('field.email'), t('invitation.role'), t('member.status'), t('invitation.sent'), t('invitation.expires'), <span key="act" className="visually-hidden">{t('word.actions')}</span>]}>
          {list.data.items.map((invitation) => (
            <Table.Tr key={invitation.id}>
              <Table.Td>{invitation.email}</Table.Td>
              <Table.Td>{title(invitation.role)}</Table.Td>
              <Table.Td>
                <Badge>{t(`invitation.statusOf.${invitation.status}`)}</Badge>
              </Table.Td>
              <Table.Td>
                <When at={invitation.created_at} />
              </Table.Td>
              <Table.Td>{invitation.status === 'pending' ? <When at={invitation.expires_at} /> : '–'}</Table.Td>
              <Table.Td>
                <Group gap={4} justify="flex-end" wrap="nowrap">
                  {(invitation.status === 'pending' || invitation.status === 'expired') && (
                    <Button size="compact-xs" variant="subtle" loading={again.isPending && again.variables === invitation.id} onClick={() => again.mutate(invitation.id)}>
                      {t('invitation.resend')}
                    </Button>
                  )}
                  {invitation.status === 'pending' && may('account.invitations:delete') && (
                    <Button size="compact-xs" variant="subtle" color="gray" c="var(--mantine-color-error)" onClick={() => setDropping(invitation)}>
                      {t('invitation.cancel')}
                    </Button>
                  )}
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </DataTable>
      )}
      <Invite opened={search.has('new')} close={() => setSearch({})} sent={refresh} />
      <Confirm opened={dropping !== null} close={() => setDropping(null)} title={t('invitation.cancel')} label={t('invitation.cancel')} run={async () => dropping && drop.mutateAsync(dropping.id)}>
        {t('invitation.cancelHint', { email: dropping?.email ?? '' })}
      </Confirm>
    </>
  );
}

function Invite({ opened, close, sent }: { opened: boolean; close: () => void; sent: () => Promise<void> }) {
  const { t } = useTranslation();
  const roles = useRoles();
  const form = useForm({ initialValues: { email: '', role: 'viewer' }, validate: { email: (email) => (/^\S+@\S+$/.test(email) ? null : t('form.email')) } });
  return (
    <Modal opened={opened} onClose={close} title={t('invitation.make')} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <FormShell
        form={form}
        label={t('invitation.send')}
        cancel={close}
        submit={async (values) => {
          await invite(values);
          await sent();
          say(t('invitation.sentTo', { email: values.email }));
          form.reset();
          close();
        }}
      >
        <TextInput label={t('field.email')} type="email" required data-autofocus {...form.getInputProps('email')} />
        <Select label={t('invitation.role')} description={t('invitation.roleHint')} data={(roles.data ?? []).map((role) => ({ value: role.name, label: role.title }))} allowDeselect={false} {...form.getInputProps('role')} />
      </FormShell>
    </Modal>
  );
}
