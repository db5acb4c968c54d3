import { Anchor, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { fetchSetup } from '../../api/platform';

/** Under `--dev` mails are not sent but shown: say where. */
export function DevMail() {
  const { t } = useTranslation();
  const setup = useQuery({ queryKey: ['setup'], queryFn: fetchSetup, retry: false });
  if (!setup.data?.dev) return null;
  return (
    <Text size="sm">
      {t('auth.devMail')}{' '}
      <Anchor href="/dev/mail" target="_blank" underline="always">
        /dev/mail
      </Anchor>
    </Text>
  );
}
