import { ActionIcon, Button, Card, Code, Group, SegmentedControl, Select, Stack, Text, Textarea, Tooltip } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Field, Resource } from '../../api/meta';
import { isProblem } from '../../api/problem';
import { fetchPage } from '../../api/records';
import { useMeta } from '../../api/session';
import { problemTitle } from '../../ui/toast';
import { needsValue, opsFor, recordFields, type Clause, type Filter } from './clauses';
import { ClauseValue } from './ClauseValue';
import { readFilter } from './read';
import { writeFilter, type Types } from './write';

interface Props {
  resource: Resource;
  filter: string;
  apply: (filter: string) => void;
}

/** Builds a filter line by line, or takes the expression itself. The server judges it before the list changes. */
export function FilterPanel({ resource, filter, apply }: Props) {
  const { t } = useTranslation();
  const fields = recordFields(resource, { created: t('record.createdAt'), updated: t('record.updatedAt') }).filter(([, field]) => field.filterable);
  const types: Types = Object.fromEntries(fields.map(([name, field]) => [name, field.type]));
  const { currency } = useMeta();
  const known = readFilter(filter, types);
  const [mode, setMode] = useState<'lines' | 'text'>(known ? 'lines' : 'text');
  const [lines, setLines] = useState<Filter>(known && known.clauses.length > 0 ? known : { join: 'and', clauses: [firstClause(fields)] });
  const [text, setText] = useState(filter);
  const source = mode === 'lines' ? writeFilter(lines, types, currency) : text.trim();
  const check = useMutation({ mutationFn: () => fetchPage(resource, { limit: 1, filter: source }), onSuccess: () => apply(source), meta: { quiet: true } });

  const toText = () => {
    setText(writeFilter(lines, types, currency) || text);
    setMode('text');
  };
  const toLines = () => {
    const read = readFilter(text, types);
    if (read) setLines(read.clauses.length > 0 ? read : { join: 'and', clauses: [firstClause(fields)] });
    setMode('lines');
  };
  const cannotShow = mode === 'text' && readFilter(text, types) === null;

  return (
    <Card mb="md" padding="sm" component="section" aria-label={t('filter.title')}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          check.mutate();
        }}
      >
        <Stack gap="sm">
          <Group justify="space-between" gap="sm">
            <SegmentedControl
              size="xs"
              value={mode}
              onChange={(next) => (next === 'text' ? toText() : toLines())}
              aria-label={t('filter.mode')}
              data={[
                { value: 'lines', label: t('filter.lines'), disabled: cannotShow },
                { value: 'text', label: t('filter.text') },
              ]}
            />
            {mode === 'lines' && lines.clauses.length > 1 && (
              <SegmentedControl
                size="xs"
                value={lines.join}
                onChange={(join) => setLines({ ...lines, join: join === 'or' ? 'or' : 'and' })}
                aria-label={t('filter.join')}
                data={[
                  { value: 'and', label: t('filter.all') },
                  { value: 'or', label: t('filter.any') },
                ]}
              />
            )}
          </Group>
          {mode === 'lines' ? (
            <Lines fields={fields} lines={lines} change={setLines} />
          ) : (
            <Textarea label={t('filter.expression')} description={t('filter.expressionHint')} value={text} onChange={(event) => setText(event.currentTarget.value)} autosize minRows={2} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} error={check.error !== null} />
          )}
          {check.error !== null && <Fault source={source} error={check.error} />}
          <Group justify="space-between" gap="sm">
            {mode === 'lines' ? (
              <Button variant="subtle" leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setLines({ ...lines, clauses: [...lines.clauses, firstClause(fields)] })}>
                {t('filter.add')}
              </Button>
            ) : (
              <span />
            )}
            <Button type="submit" loading={check.isPending}>
              {t('filter.apply')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}

function firstClause(fields: [string, Field][]): Clause {
  const [name, field] = fields[0] ?? ['id', { type: 'text' as const }];
  return { field: name, op: opsFor(field.type)[0] ?? 'is', value: '' };
}

function Lines({ fields, lines, change }: { fields: [string, Field][]; lines: Filter; change: (filter: Filter) => void }) {
  const { t } = useTranslation();
  const set = (at: number, clause: Clause) => change({ ...lines, clauses: lines.clauses.map((old, index) => (index === at ? clause : old)) });
  const drop = (at: number) => change({ ...lines, clauses: lines.clauses.filter((_, index) => index !== at) });
  return (
    <Stack gap="sm">
      {lines.clauses.map((clause, at) => {
        const field = fields.find(([name]) => name === clause.field)?.[1];
        if (!field) return null;
        return (
          // A line has no other identity than its place.
          // eslint-disable-next-line react/no-array-index-key
          <Group key={at} gap="sm" align="flex-start">
            <Select
              size="xs"
              w={160}
              aria-label={t('filter.field')}
              data={fields.map(([name, each]) => ({ value: name, label: each.label }))}
              value={clause.field}
              allowDeselect={false}
              searchable
              onChange={(name) => {
                const next = fields.find(([other]) => other === name);
                if (next) set(at, { field: next[0], op: opsFor(next[1].type)[0] ?? 'is', value: '' });
              }}
            />
            <Select
              size="xs"
              w={150}
              aria-label={t('filter.operator')}
              data={opsFor(field.type).map((op) => ({ value: op, label: t(`filter.op.${op}`) }))}
              value={clause.op}
              allowDeselect={false}
              onChange={(op) => {
                const chosen = opsFor(field.type).find((each) => each === op);
                if (chosen) set(at, { ...clause, op: chosen });
              }}
            />
            {needsValue(clause.op) && <ClauseValue field={field} clause={clause} change={(next) => set(at, next)} />}
            <Tooltip label={t('filter.remove')}>
              <ActionIcon aria-label={t('filter.remove')} onClick={() => drop(at)} mt={2}>
                <IconTrash size={16} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </Group>
        );
      })}
      {lines.clauses.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('filter.none')}
        </Text>
      )}
    </Stack>
  );
}

/** What the server objects to, with a mark under the place it names. */
function Fault({ source, error }: { source: string; error: unknown }) {
  const fault = isProblem(error) ? error.faults.find((each) => each.field === 'filter') : undefined;
  const message = fault?.message ?? (isProblem(error) ? (error.body.detail ?? '') : '');
  const column = Number(/column (\d+)/.exec(message)?.[1] ?? 0);
  return (
    <Stack gap={4} role="alert">
      <Text size="sm" c="var(--mantine-color-error)">
        {message || problemTitle(error)}
      </Text>
      {column > 0 && (
        <Code block style={{ overflowX: 'auto' }}>
          {`${source}\n${' '.repeat(column - 1)}^`}
        </Code>
      )}
    </Stack>
  );
}
