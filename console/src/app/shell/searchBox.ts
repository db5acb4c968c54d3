import { createSpotlight } from '@mantine/spotlight';

/** The one search box, and the ways to open it. */
export const [searchStore, searchBox] = createSpotlight();

/** Answers of the server come after the typing: whatever they bring, Enter takes the first line. */
export function selectFirst() {
  const list = document.getElementById(searchStore.getState().listId);
  list?.querySelector('[data-selected]')?.removeAttribute('data-selected');
  const first = list?.querySelector('[data-action]');
  first?.setAttribute('data-selected', 'true');
  searchStore.updateState((state) => ({ ...state, selected: first ? 0 : -1 }));
}
