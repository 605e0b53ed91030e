import { loadConfig, type Config } from '../platform/config.ts';

/** Options of commands that look at an application from outside, whichever it is. */
export const APPLICATION_OPTIONS = {
  namespace: {
    type: 'string',
    placeholder: 'name',
    about: 'namespace of the application; MR_NAMESPACE where absent',
  },
  'data-dir': { type: 'string', placeholder: 'folder', about: 'data folder; MR_DATA_DIR where absent' },
} as const;

/** The configuration with what these options say; only warnings are logged, so that results stand alone. */
export function configOfApplication(options: {
  readonly namespace?: string | undefined;
  readonly 'data-dir'?: string | undefined;
}): Config {
  return loadConfig(
    {
      ...(options['data-dir'] === undefined ? {} : { MR_DATA_DIR: options['data-dir'] }),
      ...(options.namespace === undefined ? {} : { MR_NAMESPACE: options.namespace }),
    },
    { MR_LOG_LEVEL: 'warn' },
  );
}
