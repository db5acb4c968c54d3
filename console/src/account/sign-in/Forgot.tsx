import { Anchor, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { forgot } from '../../api/platform';
import { page } from '../../app/pages';
import { FormShell } from '../../ui/FormShell';
import { Frame } from '../Frame';
import { DevMail } from '../sign-up/DevMail';

export function Forgot() {
  const { t } = useTranslation();
  const [sent, setSent] = useState(false);
  const form = useForm({ initialValues: { email: '' }, validate: { email: (email) => (email.includes('@') ? null : t('form.email')) } });
  const back = (
    <Anchor component={Link} to={page.signIn}>
      {t('auth.toSignIn')}
    </Anchor>
  );
  if (sent) {
    return (
      <Frame title={t('auth.sentTitle')} hint={t('auth.sentHint')} foot={back}>
        <DevMail />
      </Frame>
    );
  }
  return (
    <Frame title={t('auth.forgotTitle')} hint={t('auth.forgotHint')} foot={back}>
      <FormShell
        form={form}
        wide
        label={t('auth.forgotSend')}
        submit={async ({ email }) => {
          await forgot(email);
          setSent(true);
        }}
      >
        <TextInput label={t('field.email')} type="email" autoComplete="email" required {...form.getInputProps('email')} />
      </FormShell>
    </Frame>
  );
}
