import js from '@eslint/js';
import globals from 'globals';

const only = (names, file) =>
  names.map((name) => ({ name, message: `Only ${file} may use it (see ../README.md, "Front end").` }));

export default [
  { ignores: ['node_modules/', '../static/'] },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-console': 'error',
      'no-eval': 'error',
      'no-implied-eval': 'error',
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'none' }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/**/*.js'],
    languageOptions: { globals: globals.browser },
    rules: {
      'no-restricted-globals': ['error', ...only(['fetch'], 'lib/api.js'), ...only(['WebSocket'], 'lib/live.js')],
      'no-restricted-properties': [
        'error',
        ...['innerHTML', 'outerHTML', 'insertAdjacentHTML'].map((property) => ({
          property,
          message: 'Text from outside never becomes markup: use el() and textContent.',
        })),
        { object: 'document', property: 'write', message: 'Use el().' },
      ],
    },
  },
  {
    files: ['src/js/lib/api.js'],
    rules: { 'no-restricted-globals': ['error', ...only(['WebSocket'], 'lib/live.js')] },
  },
  { files: ['src/js/lib/live.js'], rules: { 'no-restricted-globals': ['error', ...only(['fetch'], 'lib/api.js')] } },
  { files: ['src/js/boot.js'], languageOptions: { sourceType: 'script' } },
  {
    files: ['build/**', 'scripts/**', '*.config.js'],
    languageOptions: { globals: globals.node },
    rules: { 'no-console': 'off' },
  },
  {
    files: ['tests/**'],
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: { 'max-lines-per-function': 'off' },
  },
];
