import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const accent: MantineColorsTuple = ['#eaf5f6', '#d5e9eb', '#a9d3d7', '#7abcc2', '#53a8b0', '#3799a2', '#22848d', '#13707a', '#0b5f68', '#044f57'];
const gray: MantineColorsTuple = ['#f8f9fa', '#f1f3f4', '#e6e9eb', '#d9dde0', '#c2c8cd', '#99a1a8', '#69727b', '#515a63', '#363d44', '#22272c'];
const dark: MantineColorsTuple = ['#d5d9dd', '#b4bac0', '#8d959d', '#59616a', '#3d444b', '#30363c', '#262b30', '#1c2024', '#15181b', '#0f1113'];

/** Calm and dense: neutral greys, one accent, Inter with tabular numbers, an 8 px grid. */
export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 7 },
  colors: { accent, gray, dark },
  fontFamily: "'Inter Variable', system-ui, sans-serif",
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  lineHeights: { xs: '1.35', sm: '1.4', md: '1.45', lg: '1.5', xl: '1.5' },
  spacing: { xs: '0.25rem', sm: '0.5rem', md: '1rem', lg: '1.5rem', xl: '2rem' },
  headings: {
    fontWeight: '600',
    sizes: { h1: { fontSize: '1.25rem', lineHeight: '1.35' }, h2: { fontSize: '1rem', lineHeight: '1.4' }, h3: { fontSize: '0.875rem', lineHeight: '1.45' } },
  },
  defaultRadius: 'sm',
  radius: { xs: '0.125rem', sm: '0.375rem', md: '0.5rem', lg: '0.75rem', xl: '1rem' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'xs' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 'md' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Menu: { defaultProps: { shadow: 'md', withInitialFocusPlaceholder: false } },
    Modal: { defaultProps: { centered: false, yOffset: '8dvh', overlayProps: { backgroundOpacity: 0.4 } } },
    Drawer: { defaultProps: { position: 'right', overlayProps: { backgroundOpacity: 0.4 } } },
    Tooltip: { defaultProps: { openDelay: 250, withArrow: true, events: { hover: true, focus: true, touch: true } } },
    Badge: { defaultProps: { variant: 'light', color: 'gray', radius: 'sm', tt: 'none', fw: 500 } },
    InputWrapper: { styles: { label: { fontWeight: 500, marginBlockEnd: '0.25rem' }, description: { fontSize: '0.75rem' } } },
    Kbd: { styles: { root: { borderBottomWidth: 1 } } },
    Anchor: { defaultProps: { underline: 'hover' } },
    Card: { defaultProps: { withBorder: true, padding: 'md' } },
  },
});

/** Where Mantine's own choices are too pale for WCAG AA. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#22272c',
    '--mantine-color-dimmed': '#59626b',
    '--mantine-color-placeholder': '#68717a',
    '--mantine-color-error': '#b3261e',
    '--mantine-color-red-outline': '#b3261e',
    '--mantine-color-yellow-outline': '#7a5200',
    '--mantine-color-anchor': '#0f6670',
    '--mantine-color-gray-light': '#eef1f3',
    '--mantine-color-gray-light-color': '#363d44',
    '--tenon-surface': '#f8f9fa',
    '--tenon-line': '#e1e5e8',
    '--tenon-hover': '#f3f5f6',
    '--tenon-added': '#e3f3e6',
    '--tenon-removed': '#fbe9e7',
  },
  dark: {
    '--mantine-color-body': '#1c2024',
    '--mantine-color-text': '#d5d9dd',
    '--mantine-color-dimmed': '#a1a9b1',
    '--mantine-color-placeholder': '#98a1a9',
    '--mantine-color-error': '#ff9a90',
    '--mantine-color-red-outline': '#ff9a90',
    '--mantine-color-anchor': '#7fc8cf',
    '--mantine-color-default-border': '#3d444b',
    '--mantine-color-gray-light': '#2f353b',
    '--mantine-color-gray-light-color': '#d5d9dd',
    '--tenon-surface': '#171a1e',
    '--tenon-line': '#30363c',
    '--tenon-hover': '#23282d',
    '--tenon-added': '#1c3324',
    '--tenon-removed': '#3d2321',
  },
});
