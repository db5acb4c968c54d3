import { Button, PasswordInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { reset } from '../../api/platform';
import { page } from '../../app/pages';
import { FormShell } from '../../ui/FormShell';
import { Frame } from '../Frame';
import { isSpent, tokenFromFragment } from '../links';
import { passwordFault } from '../password';
import { SpentLink } from '../SpentLink';

export function Reset() {
  const { t } = useTranslation();
  const [token] = useState(tokenFromFragment);
  const [state, setState] = useState<'open' | 'done' | 'spent'>('open');
  const form = useForm({ initialValues: { password: '' }, validate: { password: (password) => passwordFault(password, t) } });
  if (token === '' || state === 'spent') return <SpentLink kind="reset" />;
  if (state === 'done') {
    return (
      <Frame title={t('auth.resetDoneTitle')} hint={t('auth.resetDoneHint')}>
        <Button component={Link} to={page.signIn} size="sm">
          {t('auth.signIn')}
        </Button>
      </Frame>
    );
  }
  return (
    <Frame title={t('auth.resetTitle')}>
      <FormShell
        form={form}
        wide
        label={t('auth.resetSave')}
        submit={async ({ password }) => {
          try {
            await reset({ token, password });
            setState('done');
          } catch (error) {
            if (!isSpent(error)) throw error;
            setState('spent');
          }
        }}
      >
        <PasswordInput label={t('field.newPassword')} description={t('password.hint')} autoComplete="new-password" required visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} {...form.getInputProps('password')} />
      </FormShell>
    </Frame>
  );
}
