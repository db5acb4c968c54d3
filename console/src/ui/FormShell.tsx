import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useRef, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { isProblem } from '../api/problem';
import { problemText, problemTitle } from './toast';

interface Props<V extends Record<string, unknown>> {
  form: UseFormReturnType<V>;
  submit: (values: V) => Promise<void>;
  label: string;
  cancel?: () => void;
  wide?: boolean;
  children: ReactNode;
}

/**
 * Every form: sends once, puts the server's complaints beside the fields they name and the rest on top, and moves
 * the keyboard to the first field that needs mending.
 */
export function FormShell<V extends Record<string, unknown>>({ form, submit, label, cancel, wide, children }: Props<V>) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<unknown>(null);
  const element = useRef<HTMLFormElement>(null);

  const focusFault = () => setTimeout(() => element.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(), 0);

  const send = async (values: V) => {
    setBusy(true);
    setTrouble(null);
    try {
      await submit(values);
    } catch (error) {
      setTrouble(showFaults(form, error) ? null : error);
      focusFault();
    } finally {
      setBusy(false);
    }
  };

  return (
    <form ref={element} onSubmit={(event) => form.onSubmit(send, focusFault)(event)} noValidate>
      <Stack gap="md">
        {trouble !== null && (
          <Alert color="red" variant="outline" role="alert" icon={<IconAlertTriangle size={18} aria-hidden />} title={problemTitle(trouble)}>
            <Text size="sm" style={{ whiteSpace: 'pre-line' }}>
              {problemText(trouble, false)}
            </Text>
          </Alert>
        )}
        {children}
        <Group justify={wide ? undefined : 'flex-end'} gap="sm">
          {cancel && (
            <Button variant="default" size="sm" onClick={cancel}>
              {t('act.cancel')}
            </Button>
          )}
          <Button type="submit" size="sm" loading={busy} fullWidth={wide ?? false}>
            {label}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** True when every complaint found its field. */
function showFaults<V extends Record<string, unknown>>(form: UseFormReturnType<V>, error: unknown): boolean {
  if (!isProblem(error)) return false;
  const names = Object.keys(form.getValues());
  const known = error.faults.filter((fault) => names.includes(fieldOf(fault.field)));
  form.setErrors(Object.fromEntries(known.map((fault) => [fieldOf(fault.field), fault.message])));
  return known.length > 0 && known.length === error.faults.length;
}

/** `amount.minor` and `/amount` both complain about `amount`. */
function fieldOf(name: string): string {
  return name.replace(/^\//, '').split(/[./]/)[0] ?? name;
}
