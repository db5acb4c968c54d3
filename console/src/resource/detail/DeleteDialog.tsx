import { Anchor, Button, Group, List, Modal, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { findByFullName, type Resource } from '../../api/meta';
import { isProblem } from '../../api/problem';
import { deleteRecord } from '../../api/records';
import { useMeta } from '../../api/session';
import type { Referrer, Row } from '../../api/types';
import { page } from '../../app/pages';
import { say, showProblem } from '../../ui/toast';
import { refreshRecords } from '../refresh';
import { recordTitle } from '../values/format';

interface Props {
  resource: Resource;
  row: Row;
  opened: boolean;
  close: () => void;
  deleted: () => void;
}

/** Says what will happen; when other records refer to this one, names them instead of deleting. */
export function DeleteDialog({ resource, row, opened, close, deleted }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const meta = useMeta();
  const title = recordTitle(resource, row);
  const drop = useMutation({
    mutationFn: () => deleteRecord(resource, row.id),
    meta: { quiet: true },
    onSuccess: () => {
      say(t('record.deleted', { title }));
      deleted();
      refreshRecords(client, resource);
    },
    onError: (error) => {
      if (!isProblem(error, 409)) showProblem(error);
    },
  });
  const referrers = isProblem(drop.error, 409) ? ((drop.error.body['referrers'] as Referrer[] | undefined) ?? []) : null;
  const shut = () => {
    drop.reset();
    close();
  };
  return (
    <Modal opened={opened} onClose={shut} title={t('record.deleteTitle', { title })} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <Stack gap="md">
        {referrers === null ? (
          <Text size="sm">{t('record.deleteHint')}</Text>
        ) : (
          <Stack gap="sm" role="alert">
            <Text size="sm">{t('record.referred', { title })}</Text>
            <List size="sm">
              {referrers.map((each) => {
                const target = findByFullName(meta, each.resource);
                return (
                  <List.Item key={each.id}>
                    {target ? (
                      <Anchor component={Link} to={page.record(target, each.id)} underline="always">
                        {each.title ?? t('record.hiddenTitle')}
                      </Anchor>
                    ) : (
                      (each.title ?? t('record.hiddenTitle'))
                    )}{' '}
                    <Text span inherit c="dimmed">
                      {target?.label ?? each.resource}
                    </Text>
                  </List.Item>
                );
              })}
            </List>
          </Stack>
        )}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" size="sm" onClick={shut}>
            {referrers === null ? t('act.cancel') : t('act.close')}
          </Button>
          {referrers === null && (
            <Button color="red.8" size="sm" loading={drop.isPending} onClick={() => drop.mutate()}>
              {t('act.delete')}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}
