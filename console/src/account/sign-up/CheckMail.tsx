import { Anchor, Button, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'react-router';
import { resendVerification } from '../../api/platform';
import { page } from '../../app/pages';
import { FormShell } from '../../ui/FormShell';
import { say } from '../../ui/toast';
import { Frame } from '../Frame';
import { DevMail } from './DevMail';

/** After signing up; and for somebody whose mail did not arrive. */
export function CheckMail() {
  const { t } = useTranslation();
  const [email, setEmail] = useState((useLocation().state as { email?: string } | null)?.email);
  const again = useMutation({ mutationFn: resendVerification, onSuccess: () => say(t('auth.sentHint')), meta: { public: true } });
  const form = useForm({ initialValues: { email: '' }, validate: { email: (email) => (email.includes('@') ? null : t('form.email')) } });
  const back = (
    <Anchor component={Link} to={page.signIn}>
      {t('auth.toSignIn')}
    </Anchor>
  );
  if (!email) {
    return (
      <Frame title={t('auth.noMail')} hint={t('auth.noMailHint')} foot={back}>
        <FormShell
          form={form}
          wide
          label={t('auth.resend')}
          submit={async (values) => {
            await resendVerification(values.email);
            setEmail(values.email);
          }}
        >
          <TextInput label={t('field.email')} type="email" autoComplete="email" required {...form.getInputProps('email')} />
        </FormShell>
      </Frame>
    );
  }
  return (
    <Frame title={t('auth.checkMailTitle')} hint={t('auth.checkMailHint', { email })} foot={back}>
      <DevMail />
      <Button variant="default" size="sm" loading={again.isPending} onClick={() => again.mutate(email)}>
        {t('auth.resend')}
      </Button>
    </Frame>
  );
}
