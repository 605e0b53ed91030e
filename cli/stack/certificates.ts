/**
 * Certificates of the stack's own authority (X.509 v3, RFC 5280; ECDSA with P-256), made by @peculiar/x509:
 * docs/decisions/0005-certificates-by-a-library.md.
 */
// First: the library's container asks for it.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  type Extension,
} from '@peculiar/x509';

/** A certificate and its private key, as PEM texts. */
export interface Identity {
  readonly certificate: string;
  /** PKCS #8. */
  readonly key: string;
}

/** An authority that signs certificates; its private key stays in memory. */
export interface Authority {
  readonly certificate: string;
  readonly name: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface Validity {
  readonly from: Date;
  readonly to: Date;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** An authority of its own: nothing trusts it that is not given its certificate. */
export async function createAuthority(name: string, validity: Validity): Promise<Authority> {
  const keys = await createKeys();
  const certificate = await certify({
    subject: name,
    keys,
    issuer: { name, keys },
    validity,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificate, name, keys };
}

/** A certificate for servers and clients under these host names and addresses; the first one is its name. */
export async function issueIdentity(
  authority: Authority,
  hosts: readonly string[],
  validity: Validity,
): Promise<Identity> {
  const keys = await createKeys();
  const names = hosts.map((host) => ({ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }) as const);
  const certificate = await certify({
    subject: hosts[0] ?? '',
    keys,
    issuer: authority,
    validity,
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension(names),
      await AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
    ],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate, key: `${PemConverter.encode(key, PemConverter.PrivateKeyTag)}\n` };
}

function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

interface ToCertify {
  readonly subject: string;
  readonly keys: webcrypto.CryptoKeyPair;
  readonly issuer: Pick<Authority, 'name' | 'keys'>;
  readonly validity: Validity;
  readonly extensions: readonly Extension[];
}

async function certify({ subject, keys, issuer, validity, extensions }: ToCertify): Promise<string> {
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [subject] }],
    issuer: [{ CN: [issuer.name] }],
    notBefore: validity.from,
    notAfter: validity.to,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [...extensions, await SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return `${certificate.toString('pem')}\n`;
}
