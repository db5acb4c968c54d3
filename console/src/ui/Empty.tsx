import { Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** Nothing here: says why, and what to do next. */
export function Empty(props: { title: string; hint?: string; icon?: ReactNode; children?: ReactNode }) {
  return (
    <Stack align="center" gap="sm" py="xl" px="md" ta="center">
      {props.icon && <Text c="dimmed">{props.icon}</Text>}
      <Title order={2} size="h3">
        {props.title}
      </Title>
      {props.hint && (
        <Text size="sm" c="dimmed" maw={440}>
          {props.hint}
        </Text>
      )}
      {props.children}
    </Stack>
  );
}
