/** `Viewer: reads` is a name and what it means. */
export function roleName(title: string): string {
  return title.split(':')[0]?.trim() || title;
}

export function roleMeaning(title: string): string {
  return title.split(':').slice(1).join(':').trim();
}
