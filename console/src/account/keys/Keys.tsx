import { Alert, Badge, Button, Code, CopyButton, Group, Modal, MultiSelect, NumberInput, Stack, Table, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fetchKeys, makeKey, removeKey } from '../../api/platform';
import { useMe } from '../../api/session';
import type { Key } from '../../api/types';
import { Confirm } from '../../ui/Confirm';
import { DataTable } from '../../ui/DataTable';
import { Empty } from '../../ui/Empty';
import { FormShell } from '../../ui/FormShell';
import { PageHead } from '../../ui/PageHead';
import { say } from '../../ui/toast';
import { Trouble } from '../../ui/Trouble';
import { Waiting } from '../../ui/Waiting';
import { When } from '../../ui/When';

/** Keys for machines. A key holds at most what its maker holds, and is shown once. */
export function Keys() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [making, setMaking] = useState(false);
  const [dropping, setDropping] = useState<Key | null>(null);
  const list = useQuery({ queryKey: ['keys'], queryFn: fetchKeys });
  const refresh = () => client.invalidateQueries({ queryKey: ['keys'] });
  const drop = useMutation({ mutationFn: removeKey, onSuccess: () => say(t('key.removed')), onSettled: refresh });
  const button = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setMaking(true)}>
      {t('key.make')}
    </Button>
  );
  return (
    <>
      <PageHead title={t('nav.keys')} hint={t('key.hint')}>
        {button}
      </PageHead>
      {list.isPending && <Waiting rows={3} />}
      {list.error && !list.data && <Trouble error={list.error} retry={() => void list.refetch()} />}
      {list.data?.items.length === 0 && (
        <Empty icon={<IconKey size={32} aria-hidden />} title={t('key.none')} hint={t('key.noneHint')}>
          {button}
        </Empty>
      )}
      {list.data && list.data.items.length > 0 && (
        <DataTable label={t('nav.keys')} heads={[t('field.name'), t('key.scopes'), t('record.createdAt'), t('key.expires'), t('key.used'), <span key="act" className="visually-hidden">{t('word.actions')}</span>]}>
          {list.data.items.map((key) => (
            <Table.Tr key={key.id}>
              <Table.Td fw={500}>
                {key.name} <Standing status={key.status} />
              </Table.Td>
              <Table.Td maw={360}>
                <Group gap={4}>
                  {key.scopes.slice(0, 4).map((scope) => (
                    <Badge key={scope}>{scope}</Badge>
                  ))}
                  {key.scopes.length > 4 && <Text size="xs">+{key.scopes.length - 4}</Text>}
                </Group>
              </Table.Td>
              <Table.Td>
                <When at={key.created_at} />
              </Table.Td>
              <Table.Td>
                <When at={key.expires_at} />
              </Table.Td>
              <Table.Td>
                <When at={key.seen_at} />
              </Table.Td>
              <Table.Td ta="end">
                <Button size="compact-xs" variant="subtle" color="gray" c="var(--mantine-color-error)" onClick={() => setDropping(key)} aria-label={t('key.removeNamed', { name: key.name })}>
                  {t('key.remove')}
                </Button>
              </Table.Td>
            </Table.Tr>
          ))}
        </DataTable>
      )}
      {making && <MakeKey close={() => setMaking(false)} made={refresh} />}
      <Confirm opened={dropping !== null} close={() => setDropping(null)} title={t('key.removeNamed', { name: dropping?.name ?? '' })} label={t('key.remove')} run={async () => dropping && drop.mutateAsync(dropping.id)}>
        {t('key.removeHint')}
      </Confirm>
    </>
  );
}

/** What a key is, where that is not simply good. One that came in a URL still works, and should be replaced. */
function Standing({ status }: { status: Key['status'] }) {
  const { t } = useTranslation();
  if (status === 'exposed') {
    return (
      <Badge variant="outline" c="var(--mantine-color-error)" ms={4} title={t('key.exposedHint')}>
        {t('key.exposed')}
      </Badge>
    );
  }
  if (status === 'expired') return <Badge ms={4}>{t('key.expired')}</Badge>;
  if (status === 'revoked') return <Badge ms={4}>{t('key.revoked')}</Badge>;
  return null;
}

function MakeKey({ close, made }: { close: () => void; made: () => Promise<void> }) {
  const { t } = useTranslation();
  const me = useMe();
  const [secret, setSecret] = useState<string | null>(null);
  const form = useForm({
    initialValues: { name: '', scopes: [] as string[], expires_in_days: 90 },
    validate: { name: (name) => (name.trim() ? null : t('form.required')), scopes: (scopes) => (scopes.length > 0 ? null : t('form.required')) },
  });
  return (
    <Modal opened onClose={close} title={t('key.make')} closeButtonProps={{ 'aria-label': t('act.close') }} closeOnClickOutside={secret === null} closeOnEscape={secret === null}>
      {secret === null ? (
        <FormShell
          form={form}
          label={t('act.create')}
          cancel={close}
          submit={async (values) => {
            const key = await makeKey({ ...values, name: values.name.trim() });
            setSecret(key.secret);
            await made();
          }}
        >
          <TextInput label={t('field.name')} description={t('key.nameHint')} required data-autofocus {...form.getInputProps('name')} />
          <MultiSelect label={t('key.scopes')} description={t('key.scopesHint')} required searchable data={me.permissions.toSorted()} {...form.getInputProps('scopes')} />
          <NumberInput label={t('key.days')} min={1} max={365} allowDecimal={false} {...form.getInputProps('expires_in_days')} />
        </FormShell>
      ) : (
        <Stack gap="md">
          <Alert color="yellow" variant="outline" title={t('key.once')}>
            {t('key.onceHint')}
          </Alert>
          <Code block style={{ whiteSpace: 'pre-wrap', wordBreak: 'break-all' }} data-secret>
            {secret}
          </Code>
          <Group justify="flex-end" gap="sm">
            <CopyButton value={secret}>{({ copied, copy }) => <Button size="sm" onClick={copy}>{copied ? t('act.copied') : t('act.copy')}</Button>}</CopyButton>
            <Button size="sm" variant="default" onClick={close}>
              {t('act.close')}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
