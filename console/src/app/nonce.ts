/** The nonce for style elements, made new by the server for every response. */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';

// react-remove-scroll, inside Mantine's dialogs, reads its nonce from here.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = styleNonce;
