import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import { readCookie, writeCookie } from '../app/look';
import { en } from './en';

export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { translation: typeof en };
    returnNull: false;
  }
}

/** Strings of the language somebody chose, else of the browser, else English. Other languages load when asked for. */
export async function startLanguage() {
  await i18n.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false },
  });
  await applyLanguage(chosen());
}

export async function chooseLanguage(language: Language) {
  writeCookie('lang', language);
  await applyLanguage(language);
}

export function currentLanguage(): Language {
  return i18n.language === 'de' ? 'de' : 'en';
}

async function applyLanguage(language: Language) {
  if (language === 'de' && !i18n.hasResourceBundle('de', 'translation')) {
    const { de } = await import('./de');
    i18n.addResourceBundle('de', 'translation', de);
  }
  await i18n.changeLanguage(language);
  document.documentElement.lang = language;
}

function chosen(): Language {
  const wish = readCookie('lang') ?? navigator.language;
  return wish.startsWith('de') ? 'de' : 'en';
}
