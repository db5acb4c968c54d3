import { Anchor, Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'react-router';
import { resendVerification } from '../../api/platform';
import { page } from '../../app/pages';
import { say } from '../../ui/toast';
import { Frame } from '../Frame';
import { DevMail } from './DevMail';

export function CheckMail() {
  const { t } = useTranslation();
  const email = (useLocation().state as { email?: string } | null)?.email;
  const again = useMutation({ mutationFn: resendVerification, onSuccess: () => say(t('auth.sentHint')), meta: { public: true } });
  return (
    <Frame
      title={t('auth.checkMailTitle')}
      hint={email ? t('auth.checkMailHint', { email }) : t('auth.sentHint')}
      foot={
        <Anchor component={Link} to={page.signIn}>
          {t('auth.toSignIn')}
        </Anchor>
      }
    >
      <DevMail />
      {email && (
        <Button variant="default" size="sm" loading={again.isPending} onClick={() => again.mutate(email)}>
          {t('auth.resend')}
        </Button>
      )}
    </Frame>
  );
}
