import { Anchor, Group, PasswordInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useSearchParams } from 'react-router';
import { fetchSetup, signIn } from '../../api/platform';
import { page } from '../../app/pages';
import { sessionChanged } from '../../app/tabs';
import { FormShell } from '../../ui/FormShell';
import { Frame } from '../Frame';
import { safeNext } from '../links';
import { Welcome } from './Welcome';

export function SignIn() {
  const setup = useQuery({ queryKey: ['setup'], queryFn: fetchSetup, retry: false });
  const [known, setKnown] = useState({ email: '', password: '' });
  if (setup.isPending) return null;
  if (setup.data?.empty && setup.data.dev && known.email === '') return <Welcome signInAs={setKnown} />;
  return <SignInForm known={known} />;
}

function SignInForm({ known }: { known: { email: string; password: string } }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const form = useForm({ initialValues: known });
  const submit = async (values: { email: string; password: string }) => {
    const me = await signIn(values);
    sessionChanged();
    client.clear();
    client.setQueryData(['me'], me);
    await navigate(safeNext(search.get('next')), { replace: true });
  };
  return (
    <Frame
      title={t('auth.signInTitle')}
      foot={
        <>
          {t('auth.noAccount')}{' '}
          <Anchor component={Link} to={page.signUp} underline="always">
            {t('auth.signUp')}
          </Anchor>
        </>
      }
    >
      <FormShell form={form} wide label={t('auth.signIn')} submit={submit}>
        <TextInput label={t('field.email')} type="email" autoComplete="username" required {...form.getInputProps('email')} />
        <PasswordInput label={t('field.password')} autoComplete="current-password" required visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} {...form.getInputProps('password')} />
        <Group justify="space-between" gap="sm">
          <Anchor component={Link} to={page.forgot} size="sm">
            {t('auth.forgot')}
          </Anchor>
          <Anchor component={Link} to={page.checkMail} size="sm">
            {t('auth.noMail')}
          </Anchor>
        </Group>
      </FormShell>
    </Frame>
  );
}
