import type { MantineColorScheme, MantineColorSchemeManager } from '@mantine/core';

/** How somebody likes the console to look is kept in plain cookies: nothing is ever kept in localStorage. */
export function readCookie(name: string): string | null {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : null;
}

export function writeCookie(name: string, value: string) {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `${name}=${encodeURIComponent(value)}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
}

const schemes = ['light', 'dark', 'auto'] as const;

export const schemeManager: MantineColorSchemeManager = {
  get: (fallback) => schemes.find((scheme) => scheme === readCookie('look')) ?? fallback,
  set: (scheme: MantineColorScheme) => writeCookie('look', scheme),
  subscribe: () => {},
  unsubscribe: () => {},
  clear: () => writeCookie('look', 'auto'),
};

/** `?dir=rtl` turns the console around for as long as the tab lives, to check it. */
export function initialDirection(): 'ltr' | 'rtl' {
  return new URLSearchParams(location.search).get('dir') === 'rtl' ? 'rtl' : 'ltr';
}
