import { Anchor, PasswordInput, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import { register } from '../../api/platform';
import { page } from '../../app/pages';
import { FormShell } from '../../ui/FormShell';
import { Frame } from '../Frame';
import { passwordFault } from '../password';

/** A company begins: the answer is the same for a known address, the mail tells the difference. */
export function SignUp() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const filled = (value: string) => (value.trim() ? null : t('form.required'));
  const form = useForm({
    initialValues: { company: '', name: '', email: '', password: '' },
    validate: { company: filled, name: filled, email: (email) => (/^\S+@\S+$/.test(email) ? null : t('form.email')), password: (password) => passwordFault(password, t) },
  });
  return (
    <Frame
      title={t('auth.signUpTitle')}
      hint={t('auth.signUpHint')}
      foot={
        <>
          {t('auth.haveAccount')}{' '}
          <Anchor component={Link} to={page.signIn} underline="always">
            {t('auth.signIn')}
          </Anchor>
        </>
      }
    >
      <FormShell
        form={form}
        wide
        label={t('auth.signUp')}
        submit={async (values) => {
          await register(values);
          await navigate(page.checkMail, { state: { email: values.email } });
        }}
      >
        <TextInput label={t('company.name')} autoComplete="organization" required {...form.getInputProps('company')} />
        <TextInput label={t('field.yourName')} autoComplete="name" required {...form.getInputProps('name')} />
        <TextInput label={t('field.email')} type="email" autoComplete="email" required {...form.getInputProps('email')} />
        <PasswordInput label={t('field.password')} description={t('password.hint')} autoComplete="new-password" required visibilityToggleButtonProps={{ 'aria-label': t('password.show') }} {...form.getInputProps('password')} />
      </FormShell>
    </Frame>
  );
}
