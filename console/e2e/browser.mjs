import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

/** A headless Chromium without any background traffic of its own. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROME_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** A browser window that writes down everything a page must not do. */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ baseURL: url, locale: 'en-GB', viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', acceptDownloads: true, ...options });
  const faults = [];
  await context.exposeBinding('tellViolation', ({ page }, text) => faults.push(`CSP at ${page.url()}: ${text}`));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => globalThis.tellViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
  });
  context.on('page', (page) => {
    page.on('pageerror', (error) => faults.push(`error at ${page.url()}: ${error}`));
    page.on('console', (message) => {
      // Chromium reports every answer 4xx as an error; refused requests are part of the story.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(`console at ${page.url()}: ${message.text()}`);
    });
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  return { context, page, faults };
}

/** Every violation of WCAG 2.1 A and AA, one line each. */
export async function violations(page) {
  const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze();
  return violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.target.join(' ')} ${node.any.map((check) => check.message).join('; ')}`));
}

/** True when the page is wider than its window: something sticks out. */
export function sticksOut(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth + 1);
}
