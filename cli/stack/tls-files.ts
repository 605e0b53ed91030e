import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createAuthority, issueIdentity } from './certificates.ts';
import { writePrivate } from './state.ts';

/** Certificates of the secure profile, as PEM files. */
export interface TlsFiles {
  /** The authority: what clients are given. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** Key and certificate in one file, as Kafka takes them. */
  readonly keyStore: string;
}

const DAY_MS = 86_400_000;
const VALID_DAYS = 365;
const HOSTS = ['localhost', '127.0.0.1'];

export function tlsFiles(dir: string): TlsFiles {
  const folder = join(resolve(dir), 'tls');
  return {
    ca: join(folder, 'ca.pem'),
    certificate: join(folder, 'server.pem'),
    key: join(folder, 'server.key'),
    keyStore: join(folder, 'key-store.pem'),
  };
}

/**
 * The certificates of the stack in this folder: one server certificate for localhost and 127.0.0.1, of an authority
 * whose key is thrown away. Made anew when they are missing or run out within a week.
 */
export async function ensureTlsFiles(dir: string, now: Date = new Date()): Promise<TlsFiles> {
  const files = tlsFiles(dir);
  if (await areGood(files, now)) return files;
  const validity = {
    from: new Date(now.getTime() - DAY_MS),
    to: new Date(now.getTime() + VALID_DAYS * DAY_MS),
  };
  const authority = await createAuthority('Millrace stack', validity);
  const server = await issueIdentity(authority, HOSTS, validity);
  await mkdir(join(files.ca, '..'), { recursive: true, mode: 0o700 });
  // The authority comes last: it is what says that all of them are there.
  await rm(files.ca, { force: true });
  await writePrivate(files.certificate, server.certificate);
  await writePrivate(files.key, server.key);
  await writePrivate(files.keyStore, server.key + server.certificate);
  await writePrivate(files.ca, authority.certificate);
  return files;
}

async function areGood(files: TlsFiles, now: Date): Promise<boolean> {
  try {
    const authority = new X509Certificate(await readFile(files.ca));
    const server = new X509Certificate(await readFile(files.certificate));
    const leftMs = Date.parse(server.validTo) - now.getTime();
    return leftMs > 7 * DAY_MS && server.verify(authority.publicKey);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
