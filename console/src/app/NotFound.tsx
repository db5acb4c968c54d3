import { Button } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { IconMapQuestion } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { Empty } from '../ui/Empty';
import { page } from './pages';

export function NotFound() {
  const { t } = useTranslation();
  useDocumentTitle(`${t('notFound.title')} · Tenon`);
  return (
    <Empty icon={<IconMapQuestion size={32} aria-hidden />} title={t('notFound.title')} hint={t('notFound.hint')}>
      <Button component={Link} to={page.home}>
        {t('notFound.home')}
      </Button>
    </Empty>
  );
}
