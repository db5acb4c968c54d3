/**
 * The page runs under `require-trusted-types-for 'script'`. The one policy lets style text through (Mantine writes its
 * variables that way) and refuses everything that could be markup or code.
 */
interface TrustedTypes {
  createPolicy(name: string, rules: Record<string, (text: string) => string>): unknown;
}

const refuse = (): string => {
  throw new TypeError('refused by the trusted types policy');
};

(window as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('default', {
  createHTML: (text) => (text.includes('<') ? refuse() : text),
  createScript: refuse,
  createScriptURL: refuse,
});
