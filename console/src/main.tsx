import './app/trustedTypes';
import { styleNonce } from './app/nonce';
import '@fontsource-variable/inter/index.css';
import '@mantine/core/styles.layer.css';
import '@mantine/notifications/styles.layer.css';
import '@mantine/spotlight/styles.layer.css';
import './app/global.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/App';
import { initialDirection } from './app/look';
import { startLanguage } from './i18n';

document.documentElement.dir = initialDirection();
await startLanguage();
const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App styleNonce={styleNonce} />
    </StrictMode>,
  );
}
