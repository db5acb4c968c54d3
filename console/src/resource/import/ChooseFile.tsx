import { Button, Card, FileButton, Stack, Text } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useState, type DragEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { readCsv } from './csv';
import classes from './Import.module.css';

export interface ChosenFile {
  file: File;
  columns: string[];
  samples: string[][];
}

/** As much of the file as is needed to show its columns. */
const headBytes = 256 * 1024;
const maxBytes = 64 * 1024 * 1024;

export function ChooseFile({ chosen }: { chosen: (file: ChosenFile) => void }) {
  const { t } = useTranslation();
  const [fault, setFault] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const take = async (file: File | null | undefined) => {
    if (!file) return;
    if (file.size > maxBytes) return setFault(t('import.tooLarge'));
    const [columns, ...samples] = readCsv(await file.slice(0, headBytes).text(), 6);
    if (!columns || columns.length === 0) return setFault(t('import.noHeader'));
    chosen({ file, columns: columns.map((column) => column.replace(/^\uFEFF/, '').trim()), samples });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  };
  return (
    <Card
      padding="xl"
      className={classes.drop}
      data-over={over || undefined}
      onDragOver={(event: DragEvent) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Stack align="center" gap="sm">
        <Text c="dimmed">
          <IconUpload size={28} aria-hidden />
        </Text>
        <Text size="sm">{t('import.drop')}</Text>
        <FileButton onChange={(file) => void take(file)} accept="text/csv,.csv" inputProps={{ 'aria-label': t('import.choose') }}>
          {(props) => <Button {...props}>{t('import.choose')}</Button>}
        </FileButton>
        <Text size="xs" c="dimmed">
          {t('import.limits')}
        </Text>
        {fault && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {fault}
          </Text>
        )}
      </Stack>
    </Card>
  );
}
