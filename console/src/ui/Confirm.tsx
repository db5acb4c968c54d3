import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  opened: boolean;
  close: () => void;
  title: string;
  /** Says what will happen. */
  children: ReactNode;
  label: string;
  run: () => Promise<unknown>;
  /** For what cannot be taken back: the person types this word first. */
  typed?: string;
}

/** A dangerous button asks here first. */
export function Confirm({ opened, close, title, children, label, run, typed }: Props) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [word, setWord] = useState('');
  const shut = () => {
    setWord('');
    close();
  };
  const go = async () => {
    setBusy(true);
    try {
      await run();
      shut();
    } catch {
      // The mutation behind `run` has already shown what went wrong; the dialog stays for another try.
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened={opened} onClose={shut} title={title} closeButtonProps={{ 'aria-label': t('act.close') }}>
      <Stack gap="md">
        <Text size="sm" component="div">
          {children}
        </Text>
        {typed && <TextInput label={t('confirm.type', { word: typed })} value={word} onChange={(e) => setWord(e.currentTarget.value)} autoComplete="off" data-autofocus />}
        <Group justify="flex-end" gap="sm">
          <Button variant="default" size="sm" onClick={shut}>
            {t('act.cancel')}
          </Button>
          <Button color="red.8" size="sm" loading={busy} disabled={typed !== undefined && word !== typed} onClick={go}>
            {label}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
