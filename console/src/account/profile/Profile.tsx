import { Badge, Button, Card, PasswordInput, SimpleGrid, Stack, Table, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { changePassword, endSession, fetchSessions, renameMe } from '../../api/platform';
import { useMe } from '../../api/session';
import { useSignOut } from '../../app/shell/useSignOut';
import { DataTable } from '../../ui/DataTable';
import { FormShell } from '../../ui/FormShell';
import { PageHead } from '../../ui/PageHead';
import { say } from '../../ui/toast';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { When } from '../../ui/When';
import { passwordFault } from '../password';
import { browserName } from './browserName';

export function Profile() {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('profile.title')} />
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md" mb="md">
        <Name />
        <Password />
      </SimpleGrid>
      <Sessions />
    </>
  );
}

function Name() {
  const { t } = useTranslation();
  const me = useMe();
  const client = useQueryClient();
  const form = useForm({ initialValues: { name: me.user.name }, validate: { name: (name) => (name.trim() ? null : t('form.required')) } });
  return (
    <Card component="section" aria-labelledby="profile-name">
      <Stack gap="md">
        <Title order={2} id="profile-name">
          {t('profile.you')}
        </Title>
        <FormShell
          form={form}
          label={t('act.save')}
          submit={async ({ name }) => {
            await renameMe(name.trim());
            await Promise.all([client.invalidateQueries({ queryKey: ['me'] }), client.invalidateQueries({ queryKey: ['members'] })]);
            say(t('profile.saved'));
          }}
        >
          <TextInput label={t('field.name')} autoComplete="name" required {...form.getInputProps('name')} />
          <TextInput label={t('field.email')} value={me.user.email} readOnly description={t('profile.emailHint')} />
        </FormShell>
      </Stack>
    </Card>
  );
}

function Password() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({
    initialValues: { current: '', password: '' },
    validate: { current: (current) => (current ? null : t('form.required')), password: (password) => passwordFault(password, t) },
  });
  return (
    <Card component="section" aria-labelledby="profile-password">
      <Stack gap="md">
        <Title order={2} id="profile-password">
          {t('profile.password')}
        </Title>
        <FormShell
          form={form}
          label={t('profile.changePassword')}
          submit={async (values) => {
            await changePassword(values);
            form.reset();
            await client.invalidateQueries({ queryKey: ['sessions'] });
            say(t('profile.passwordChanged'));
          }}
        >
          <PasswordInput label={t('profile.current')} autoComplete="current-password" required visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} {...form.getInputProps('current')} />
          <PasswordInput label={t('field.newPassword')} description={t('password.hint')} autoComplete="new-password" required visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} {...form.getInputProps('password')} />
        </FormShell>
      </Stack>
    </Card>
  );
}

function Sessions() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const list = useQuery({ queryKey: ['sessions'], queryFn: fetchSessions });
  const end = useMutation({ mutationFn: endSession, onSuccess: () => say(t('profile.ended')), onSettled: () => client.invalidateQueries({ queryKey: ['sessions'] }) });
  const out = useSignOut();
  return (
    <Card component="section" aria-labelledby="profile-sessions">
      <Stack gap="sm">
        <Title order={2} id="profile-sessions">
          {t('profile.sessions')}
        </Title>
        <Text size="sm" c="dimmed">
          {t('profile.sessionsHint')}
        </Text>
        {list.isPending && <Waiting rows={2} />}
        {list.error && !list.data && <Trouble error={list.error} retry={() => void list.refetch()} />}
        {list.data && (
          <DataTable label={t('profile.sessions')} minWidth={520} heads={[t('profile.device'), t('profile.address'), t('profile.since'), t('member.seen'), <span key="act" className="visually-hidden">{t('word.actions')}</span>]}>
            {list.data.items.map((session) => (
              <Table.Tr key={session.id}>
                <Table.Td>
                  {browserName(session.agent) ?? t('profile.unknownDevice')} {session.current && <Badge ms={4}>{t('profile.thisOne')}</Badge>}
                </Table.Td>
                <Table.Td>{session.ip ?? '–'}</Table.Td>
                <Table.Td>
                  <When at={session.created_at} />
                </Table.Td>
                <Table.Td>
                  <When at={session.seen_at} />
                </Table.Td>
                <Table.Td ta="end">
                  {!session.current && (
                    <Button size="compact-xs" variant="subtle" loading={end.isPending && end.variables === session.id} onClick={() => end.mutate(session.id)}>
                      {t('profile.end')}
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </DataTable>
        )}
        <div>
          <Button variant="default" loading={out.isPending} onClick={() => out.mutate(true)}>
            {t('profile.signOutEverywhere')}
          </Button>
        </div>
      </Stack>
    </Card>
  );
}
