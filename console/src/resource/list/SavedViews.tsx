import { Button, Checkbox, Menu, Modal, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconBookmark, IconDeviceFloppy, IconTrash, IconUsers } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fullName, type Resource } from '../../api/meta';
import { get, post, remove } from '../../api/client';
import { api, withQuery } from '../../api/paths';
import { useMe } from '../../api/session';
import type { Page, View } from '../../api/types';
import { Confirm } from '../../ui/Confirm';
import { FormShell } from '../../ui/FormShell';
import { say } from '../../ui/toast';
import { quote } from '../filter/write';
import type { useListState } from './useListState';

/** Filters that somebody gave a name: own ones and those that colleagues share. */
export function SavedViews({ resource, list }: { resource: Resource; list: ReturnType<typeof useListState> }) {
  const { t } = useTranslation();
  const me = useMe();
  const client = useQueryClient();
  const [naming, dialog] = useDisclosure(false);
  const [dropping, setDropping] = useState<View | null>(null);
  const key = ['views', fullName(resource)];
  const views = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => get<Page<View>>(withQuery(api.account('views'), new URLSearchParams({ filter: `resource == ${quote(fullName(resource))}`, sort: 'name', limit: '200' })), signal),
    meta: { quiet: true },
  });
  const refresh = () => client.invalidateQueries({ queryKey: key });
  const drop = useMutation({ mutationFn: (view: View) => remove(api.accountItem('views', view.id)), onSuccess: refresh });
  const items = views.data?.items ?? [];
  return (
    <>
      <Menu position="bottom-end" width={260}>
        <Menu.Target>
          <Button variant="default" leftSection={<IconBookmark size={16} aria-hidden />}>
            {items.find((view) => view.query === list.query)?.name ?? t('views.title')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {items.length === 0 && <Menu.Label>{t('views.none')}</Menu.Label>}
          {items.map((view) => (
            <Menu.Item key={view.id} onClick={() => list.open(view.query)} leftSection={view.shared ? <IconUsers size={16} aria-label={t('views.shared')} /> : <IconBookmark size={16} aria-hidden />}>
              {view.name}
            </Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconDeviceFloppy size={16} aria-hidden />} onClick={dialog.open} disabled={list.query === ''}>
            {t('views.save')}
          </Menu.Item>
          {items
            .filter((view) => view.owner === me.user.member && view.query === list.query)
            .map((view) => (
              <Menu.Item key={view.id} leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setDropping(view)}>
                {t('views.delete', { name: view.name })}
              </Menu.Item>
            ))}
        </Menu.Dropdown>
      </Menu>
      <SaveView opened={naming} close={dialog.close} resource={resource} query={list.query} saved={refresh} />
      <Confirm opened={dropping !== null} close={() => setDropping(null)} title={t('views.delete', { name: dropping?.name ?? '' })} label={t('act.delete')} run={async () => dropping && drop.mutateAsync(dropping)}>
        {t('views.deleteHint')}
      </Confirm>
    </>
  );
}

function SaveView({ opened, close, resource, query, saved }: { opened: boolean; close: () => void; resource: Resource; query: string; saved: () => Promise<void> }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { name: '', shared: false }, validate: { name: (name) => (name.trim() ? null : t('form.required')) } });
  return (
    <Modal opened={opened} onClose={close} title={t('views.save')} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <FormShell
        form={form}
        label={t('act.save')}
        cancel={close}
        submit={async ({ name, shared }) => {
          await post(api.account('views'), { name: name.trim(), resource: fullName(resource), query, shared });
          await saved();
          say(t('views.saved'));
          form.reset();
          close();
        }}
      >
        <TextInput label={t('field.name')} required data-autofocus {...form.getInputProps('name')} />
        <Checkbox label={t('views.share')} {...form.getInputProps('shared', { type: 'checkbox' })} />
      </FormShell>
    </Modal>
  );
}
