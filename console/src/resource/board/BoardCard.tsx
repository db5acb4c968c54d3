import { ActionIcon, Anchor, Card, Group, Menu, Stack, Text } from '@mantine/core';
import { useDraggable } from '@dnd-kit/core';
import { IconArrowRight, IconDotsVertical } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Resource } from '../../api/meta';
import type { Row } from '../../api/types';
import { page } from '../../app/pages';
import { recordTitle, valueOf } from '../values/format';
import { FieldView } from '../values/ValueView';
import { moveBetween } from './moves';
import type { CardMove } from './useMoveCard';
import classes from './Board.module.css';

export function BoardCard({ resource, row, move }: { resource: Resource; row: Row; move: (move: CardMove) => void }) {
  const { setNodeRef, listeners, isDragging } = useDraggable({ id: row.id, data: { row } });
  // The mouse takes the whole card; the keyboard takes the card's menu, which holds the same moves.
  return (
    <li ref={setNodeRef} {...listeners} className={classes.handle} data-dragging={isDragging || undefined} data-card={row.id}>
      <CardFace resource={resource} row={row} menu={<MoveMenu resource={resource} row={row} move={move} />} />
    </li>
  );
}

export function CardFace({ resource, row, menu, lifted }: { resource: Resource; row: Row; menu?: React.ReactNode; lifted?: boolean }) {
  const rest = resource.views.list.filter((name) => name !== resource.views.board && resource.fields[name]?.readable && valueOf(row, name) !== null && !resource.title.includes(`{${name}}`)).slice(0, 4);
  return (
    <Card padding="sm" className={classes.card} shadow={lifted ? 'md' : undefined}>
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap={4}>
        <Anchor component={Link} to={page.record(resource, row.id)} size="sm" fw={500} c="var(--mantine-color-text)" draggable={false}>
          {recordTitle(resource, row)}
        </Anchor>
        {menu}
      </Group>
      <Stack gap={2}>
        {rest.map((name) => {
          const field = resource.fields[name];
          return field ? (
            <Text key={name} size="xs" c="dimmed" truncate className={`${classes.line} numbers`} data-strong={field.type === 'money' || undefined}>
              <FieldView row={row} name={name} field={field} plain />
            </Text>
          ) : null;
        })}
      </Stack>
    </Card>
  );
}

function MoveMenu({ resource, row, move }: { resource: Resource; row: Row; move: (move: CardMove) => void }) {
  const { t } = useTranslation();
  const field = resource.views.board ?? '';
  const from = String(valueOf(row, field));
  const options = (resource.fields[field]?.options ?? []).filter((option) => option.value !== from);
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon size="sm" aria-label={t('board.move', { title: recordTitle(resource, row) })} onPointerDown={(event) => event.stopPropagation()}>
          <IconDotsVertical size={14} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown onPointerDown={(event) => event.stopPropagation()}>
        <Menu.Label>{t('board.moveTo')}</Menu.Label>
        {options.map((option) => {
          const step = moveBetween(resource, from, option.value);
          const reason = step === 'none' ? t('board.noMoveShort') : step === 'denied' ? t('denied.reason') : null;
          return (
            <Menu.Item key={option.value} disabled={reason !== null} leftSection={<IconArrowRight size={14} className="turns" aria-hidden />} onClick={() => move({ row, to: option.value, move: typeof step === 'object' ? step.name : null })}>
              {option.label}
              {reason && (
                <Text size="xs" c="dimmed">
                  {reason}
                </Text>
              )}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
