import { Anchor, Breadcrumbs, Group, Stack, Text, Title } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { Link } from 'react-router';

export interface Crumb {
  label: string;
  to: string;
}

/** Title, where it belongs, and what can be done with the whole page. */
export function PageHead(props: { title: string; hint?: ReactNode; crumbs?: Crumb[]; children?: ReactNode }) {
  useDocumentTitle(`${props.title} · Tenon`);
  return (
    <Group justify="space-between" align="flex-end" gap="sm" mb="md">
      <Stack gap={0} miw={0}>
        {props.crumbs && (
          <Breadcrumbs separator="›" separatorMargin={6}>
            {props.crumbs.map((crumb) => (
              <Anchor key={crumb.to} component={Link} to={crumb.to} size="sm">
                {crumb.label}
              </Anchor>
            ))}
          </Breadcrumbs>
        )}
        <Title order={1}>{props.title}</Title>
        {props.hint && (
          <Text size="sm" c="dimmed">
            {props.hint}
          </Text>
        )}
      </Stack>
      {props.children && (
        <Group gap="sm" wrap="wrap">
          {props.children}
        </Group>
      )}
    </Group>
  );
}
