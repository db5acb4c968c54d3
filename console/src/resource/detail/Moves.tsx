import { Button, Menu, Tooltip } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { IconChevronDown } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Move, Resource } from '../../api/meta';
import { moveRecord } from '../../api/records';
import type { Row } from '../../api/types';
import { say } from '../../ui/toast';
import { refreshRecords } from '../refresh';
import { optionLabel, valueOf } from '../values/format';

/** The next states a record may go to. Moves that do not fit now are listed too, with the reason. */
export function Moves({ resource, row }: { resource: Resource; row: Row }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const go = useMutation({
    mutationFn: (move: Move) => moveRecord(resource, row.id, move.name),
    onSuccess: (_, move) => say(t('record.moved', { label: move.label })),
    onSettled: () => refreshRecords(client, resource),
  });
  const { states } = resource;
  const field = states && resource.fields[states.field];
  if (!states || !field) return null;
  const state = String(valueOf(row, states.field));
  const fits = (move: Move) => move.from.includes(state);
  const next = states.moves.filter(fits);
  const others = states.moves.filter((move) => !fits(move));
  return (
    <>
      {next.map((move) => (
        <Tooltip key={move.name} label={t('denied.reason')} disabled={move.allowed}>
          <Button variant="light" loading={go.isPending && go.variables.name === move.name} onClick={() => move.allowed && go.mutate(move)} data-disabled={!move.allowed || undefined} aria-disabled={!move.allowed}>
            {move.label}
          </Button>
        </Tooltip>
      ))}
      {others.length > 0 && (
        <Menu position="bottom-end" width={260}>
          <Menu.Target>
            <Button variant="default" rightSection={<IconChevronDown size={14} aria-hidden />}>
              {t('record.otherMoves')}
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {others.map((move) => (
              <Menu.Item key={move.name} disabled>
                {move.label} · {t('record.onlyFrom', { states: move.from.map((each) => optionLabel(field, each)).join(', ') })}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
    </>
  );
}
