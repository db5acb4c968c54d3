import { Box, Button, Group } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { Link, useRouteError } from 'react-router';
import { isProblem } from '../api/problem';
import { Trouble } from '../ui/Trouble';
import { NotFound } from './NotFound';
import { page } from './pages';

/** A page that could not be drawn: says so and offers a way on instead of a blank window. */
export function PageTrouble() {
  const { t } = useTranslation();
  const error = useRouteError();
  if (isProblem(error, 404)) return <NotFound />;
  return (
    <Box p="md" maw={640} mx="auto">
      <Trouble error={error} retry={() => location.reload()} />
      <Group mt="md">
        <Button component={Link} to={page.home} variant="default">
          {t('notFound.home')}
        </Button>
      </Group>
    </Box>
  );
}
