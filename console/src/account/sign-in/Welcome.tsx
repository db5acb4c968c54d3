import { Button, Code, Divider, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { makeDemo } from '../../api/platform';
import { page } from '../../app/pages';
import { Frame } from '../Frame';

/** The first page of an empty installation: begin for real, or look around in a sample company. */
export function Welcome({ signInAs }: { signInAs: (known: { email: string; password: string }) => void }) {
  const { t } = useTranslation();
  const demo = useMutation({ mutationFn: makeDemo, meta: { public: true } });
  if (demo.data) {
    const { email, password } = demo.data;
    return (
      <Frame title={t('demo.readyTitle')} hint={t('demo.readyHint')}>
        <Stack gap="sm">
          <Text size="sm">
            {t('field.email')}: <Code>{email}</Code>
          </Text>
          <Text size="sm">
            {t('field.password')}: <Code>{password}</Code>
          </Text>
          <Button size="sm" onClick={() => signInAs({ email, password })}>
            {t('auth.signIn')}
          </Button>
        </Stack>
      </Frame>
    );
  }
  return (
    <Frame title={t('demo.title')} hint={t('demo.hint')}>
      <Button component={Link} to={page.signUp} size="sm">
        {t('auth.signUpTitle')}
      </Button>
      <Divider label={t('word.or')} />
      <Text size="sm" c="dimmed">
        {t('demo.offer')}
      </Text>
      <Button variant="default" size="sm" loading={demo.isPending} onClick={() => demo.mutate()}>
        {t('demo.make')}
      </Button>
    </Frame>
  );
}
