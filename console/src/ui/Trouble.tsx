import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Problem } from '../api/problem';
import { problemTitle } from './toast';

/** A part of a page that could not be loaded: what happened, its request id, and another try. */
export function Trouble(props: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const problem = props.error instanceof Problem ? props.error : null;
  return (
    <Alert color="red" variant="outline" icon={<IconAlertTriangle size={18} aria-hidden />} title={problemTitle(props.error)} role="alert">
      <Stack gap="sm">
        <Text size="sm">{problem?.status === 0 ? t('problem.unreachableHint') : (problem?.body.detail ?? (props.error instanceof Error ? props.error.message : ''))}</Text>
        <Group gap="sm">
          {props.retry && (
            <Button variant="default" onClick={props.retry}>
              {t('act.retry')}
            </Button>
          )}
          {problem?.requestId && <Code>{t('problem.request', { id: problem.requestId })}</Code>}
        </Group>
      </Stack>
    </Alert>
  );
}
