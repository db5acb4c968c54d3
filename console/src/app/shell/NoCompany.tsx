import { Button } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Frame } from '../../account/Frame';
import { MakeCompanyForm } from './MakeCompany';
import { useSignOut } from './useSignOut';

/** Somebody who left, or was removed from, the last company: the way on is another one. */
export function NoCompany() {
  const { t } = useTranslation();
  const out = useSignOut();
  return (
    <Frame
      title={t('company.none')}
      hint={t('company.noneHint')}
      foot={
        <Button variant="subtle" loading={out.isPending} onClick={() => out.mutate(false)}>
          {t('profile.signOut')}
        </Button>
      }
    >
      <MakeCompanyForm />
    </Frame>
  );
}
