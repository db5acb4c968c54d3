import { DndContext, DragOverlay, PointerSensor, useSensor, useSensors, type DragEndEvent, type DragStartEvent } from '@dnd-kit/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Resource } from '../../api/meta';
import type { ListQuery } from '../../api/records';
import type { Row } from '../../api/types';
import { say } from '../../ui/toast';
import { valueOf } from '../values/format';
import { CardFace } from './BoardCard';
import { BoardColumn } from './BoardColumn';
import { moveBetween } from './moves';
import { useMoveCard } from './useMoveCard';
import classes from './Board.module.css';

/** Records as cards in the columns of one choice. A card moves by the declared moves, by mouse and by keyboard alike. */
export function Board({ resource, query }: { resource: Resource; query: ListQuery }) {
  const { t } = useTranslation();
  const field = resource.fields[resource.views.board ?? ''];
  const sensors = useSensors(useSensor(PointerSensor, { activationConstraint: { distance: 6 } }));
  const [dragged, setDragged] = useState<Row | null>(null);
  const move = useMoveCard(resource, query);
  if (!field) return null;
  const name = resource.views.board ?? '';

  const start = ({ active }: DragStartEvent) => setDragged((active.data.current?.['row'] as Row | undefined) ?? null);
  const end = ({ over }: DragEndEvent) => {
    const row = dragged;
    setDragged(null);
    const to = over ? String(over.id) : null;
    if (!row || to === null || valueOf(row, name) === to) return;
    const step = moveBetween(resource, String(valueOf(row, name)), to);
    if (step === 'none') say(t('board.noMove', { to: field.options?.find((option) => option.value === to)?.label ?? to }));
    else if (step === 'denied') say(t('denied.reason'));
    else move.mutate({ row, to, move: step === 'free' ? null : step.name });
  };

  return (
    <DndContext sensors={sensors} onDragStart={start} onDragEnd={end} onDragCancel={() => setDragged(null)} accessibility={{ screenReaderInstructions: { draggable: t('board.keyboard') } }}>
      <section className={classes.board} aria-label={t('board.label', { labels: resource.labels })} tabIndex={0}>
        {(field.options ?? []).map((option) => (
          <BoardColumn key={option.value} resource={resource} option={option} query={query} dragged={dragged} move={move.mutate} />
        ))}
      </section>
      <DragOverlay dropAnimation={null}>{dragged && <CardFace resource={resource} row={dragged} lifted />}</DragOverlay>
    </DndContext>
  );
}
