import type { Move, Resource } from '../../api/meta';

/** The declared move from one state to another; `free` where the column is an ordinary choice that anybody may set. */
export function moveBetween(resource: Resource, from: string, to: string): Move | 'free' | 'none' | 'denied' {
  const board = resource.views.board ?? '';
  if (resource.states?.field !== board) return resource.verbs.update && resource.fields[board]?.writable ? 'free' : 'denied';
  const declared = resource.states.moves.filter((move) => move.to === to && move.from.includes(from));
  return declared.find((move) => move.allowed) ?? (declared.length > 0 ? 'denied' : 'none');
}
