import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { verify } from '../../api/platform';
import { page } from '../../app/pages';
import { sessionChanged } from '../../app/tabs';
import { Trouble } from '../../ui/Trouble';
import { Frame } from '../Frame';
import { isSpent, tokenFromFragment } from '../links';
import { SpentLink } from '../SpentLink';

/** The mailed link leads here; only the button uses it up, because mail scanners open links too. */
export function Verify() {
  const { t } = useTranslation();
  const [token] = useState(tokenFromFragment);
  const client = useQueryClient();
  const navigate = useNavigate();
  const confirm = useMutation({
    mutationFn: () => verify(token),
    meta: { public: true, quiet: true },
    onSuccess: async () => {
      sessionChanged();
      client.clear();
      await navigate(page.home, { replace: true });
    },
  });
  if (token === '' || isSpent(confirm.error)) return <SpentLink kind="verify" />;
  return (
    <Frame title={t('auth.verifyTitle')} hint={t('auth.verifyHint')}>
      {confirm.error && <Trouble error={confirm.error} />}
      <Button size="sm" loading={confirm.isPending} onClick={() => confirm.mutate()}>
        {t('auth.verify')}
      </Button>
    </Frame>
  );
}
