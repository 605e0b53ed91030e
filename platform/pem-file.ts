import { readFileSync } from 'node:fs';
import { MillraceError, errorText } from './errors.ts';

/**
 * The text of a certificate or key that a setting names.
 * @throws MillraceError MR_CONFIG_INVALID, naming the setting and the file
 */
export function readPem(setting: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`${setting}: ${path} cannot be read: ${errorText(error)}`, error);
  }
  if (!text.includes('-----BEGIN ')) throw invalid(`${setting}: ${path} is no PEM file`);
  return text;
}

function invalid(fault: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_CONFIG_INVALID', fault, { cause, context: { faults: [fault] } });
}
