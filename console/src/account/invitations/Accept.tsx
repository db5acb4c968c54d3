import { Anchor, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { acceptInvitation, signOut } from '../../api/platform';
import { meQuery } from '../../api/session';
import type { Me } from '../../api/types';
import { page } from '../../app/pages';
import { sessionChanged } from '../../app/tabs';
import { FormShell } from '../../ui/FormShell';
import { Trouble } from '../../ui/Trouble';
import { Frame } from '../Frame';
import { isMismatch, isSpent, tokenFromFragment } from '../links';
import { passwordFault } from '../password';
import { SpentLink } from '../SpentLink';

/** Somebody was invited: a new person chooses a password, a known one signs in, a wrong one is offered to switch. */
export function Accept() {
  const [token] = useState(tokenFromFragment);
  const [spent, setSpent] = useState(false);
  const me = useQuery(meQuery);
  if (token === '' || spent) return <SpentLink kind="invitation" />;
  if (me.isPending) return null;
  return me.data ? <AcceptAs me={me.data} token={token} spent={() => setSpent(true)} /> : <AcceptAsNew token={token} spent={() => setSpent(true)} />;
}

function useArrive() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return async (me: Me) => {
    sessionChanged();
    client.clear();
    client.setQueryData(['me'], me);
    await navigate(page.home, { replace: true });
  };
}

function AcceptAs({ me, token, spent }: { me: Me; token: string; spent: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const arrive = useArrive();
  const accept = useMutation({
    mutationFn: () => acceptInvitation({ token }),
    meta: { quiet: true },
    onSuccess: arrive,
    onError: (error) => {
      if (isSpent(error)) spent();
    },
  });
  const leave = useMutation({
    mutationFn: () => signOut(false),
    onSuccess: () => {
      sessionChanged();
      client.clear();
      client.setQueryData(['me'], null);
    },
  });
  return (
    <Frame title={t('auth.acceptTitle')} hint={t('auth.acceptAs', { email: me.user.email })}>
      {isMismatch(accept.error) ? (
        <Text size="sm" role="alert" c="var(--mantine-color-error)">
          {t('auth.acceptMismatch')}
        </Text>
      ) : (
        accept.error && <Trouble error={accept.error} />
      )}
      <Stack gap="sm">
        <Button size="sm" loading={accept.isPending} onClick={() => accept.mutate()}>
          {t('auth.acceptButton')}
        </Button>
        <Button size="sm" variant="default" loading={leave.isPending} onClick={() => leave.mutate()}>
          {t('auth.acceptSwitch')}
        </Button>
      </Stack>
    </Frame>
  );
}

function AcceptAsNew({ token, spent }: { token: string; spent: () => void }) {
  const { t } = useTranslation();
  const arrive = useArrive();
  const form = useForm({
    initialValues: { name: '', password: '' },
    validate: { name: (name) => (name.trim() ? null : t('form.required')), password: (password) => passwordFault(password, t) },
  });
  const next = `${page.signIn}?${new URLSearchParams({ next: `/accept-invitation#token=${token}` })}`;
  return (
    <Frame
      title={t('auth.acceptTitle')}
      hint={t('auth.acceptNew')}
      foot={
        <>
          {t('auth.haveAccount')}{' '}
          <Anchor component={Link} to={next} underline="always">
            {t('auth.signIn')}
          </Anchor>
        </>
      }
    >
      <FormShell
        form={form}
        wide
        label={t('auth.acceptButton')}
        submit={async (values) => {
          try {
            await arrive(await acceptInvitation({ token, ...values }));
          } catch (error) {
            if (!isSpent(error)) throw error;
            spent();
          }
        }}
      >
        <TextInput label={t('field.yourName')} autoComplete="name" required {...form.getInputProps('name')} />
        <PasswordInput label={t('field.password')} description={t('password.hint')} autoComplete="new-password" required visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} {...form.getInputProps('password')} />
      </FormShell>
    </Frame>
  );
}
