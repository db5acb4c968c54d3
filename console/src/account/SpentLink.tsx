import { Anchor, Button, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { forgot, resendVerification } from '../api/platform';
import { page } from '../app/pages';
import { FormShell } from '../ui/FormShell';
import { Frame } from './Frame';

/** A link that no longer works, with the way to a new one. */
export function SpentLink({ kind }: { kind: 'verify' | 'reset' | 'invitation' }) {
  const { t } = useTranslation();
  const [sent, setSent] = useState(false);
  const form = useForm({ initialValues: { email: '' }, validate: { email: (email) => (email.includes('@') ? null : t('form.email')) } });
  const back = (
    <Anchor component={Link} to={page.signIn}>
      {t('auth.toSignIn')}
    </Anchor>
  );
  if (sent) return <Frame title={t('auth.sentTitle')} hint={t('auth.sentHint')} foot={back} />;
  if (kind === 'invitation') {
    return (
      <Frame title={t('auth.spentTitle')} hint={t('auth.spentInvitation')}>
        <Button component={Link} to={page.signIn} variant="default" size="sm">
          {t('auth.toSignIn')}
        </Button>
      </Frame>
    );
  }
  return (
    <Frame title={t('auth.spentTitle')} hint={t(kind === 'verify' ? 'auth.spentVerify' : 'auth.spentReset')} foot={back}>
      <FormShell
        form={form}
        wide
        label={t('auth.sendNew')}
        submit={async ({ email }) => {
          await (kind === 'verify' ? resendVerification(email) : forgot(email));
          setSent(true);
        }}
      >
        <TextInput label={t('field.email')} type="email" autoComplete="email" required {...form.getInputProps('email')} />
        <Text size="xs" c="dimmed">
          {t('auth.sameAnswer')}
        </Text>
      </FormShell>
    </Frame>
  );
}
