import { X509Certificate } from 'node:crypto';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createAuthority, issueIdentity, type Authority, type Identity } from './certificates.ts';

const DAY_MS = 86_400_000;
const days = (from: number, to: number) => ({
  from: new Date(Date.now() + from * DAY_MS),
  to: new Date(Date.now() + to * DAY_MS),
});
const HOSTS = ['localhost', '127.0.0.1'];

/** What a client says of a server with this certificate: nothing, or the code of its error. */
async function verdict(identity: Identity, ca: string): Promise<string> {
  const server = createServer({ cert: identity.certificate, key: identity.key }, (socket) =>
    socket.end('hello'),
  );
  server.on('tlsClientError', () => undefined); // the client tells
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({ host: '127.0.0.1', port, ca });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('data', () => resolve(''));
  });
}

describe('certificates', () => {
  let authority: Authority;
  let good: Identity;
  beforeAll(async () => {
    authority = await createAuthority('An authority', days(-1, 3650));
    good = await issueIdentity(authority, HOSTS, days(-1, 30));
  });

  it('are taken by whoever trusts the authority, and by nobody else', async () => {
    const other = await createAuthority('An authority', days(-1, 30));
    expect(await verdict(good, authority.certificate)).toBe('');
    expect(await verdict(good, other.certificate)).toMatch(/CERT_SIGNATURE_FAILURE|UNABLE_TO_|BAD_SIGNATURE/);
  });

  it.each([
    ['an expired one', HOSTS, days(-30, -1), 'CERT_HAS_EXPIRED'],
    ['one of the future', HOSTS, days(1, 30), 'CERT_NOT_YET_VALID'],
    ['one for another host', ['shop.test'], days(-1, 1), 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('%s is refused', async (_, hosts, validity, code) => {
    const identity = await issueIdentity(authority, hosts, validity);
    expect(await verdict(identity, authority.certificate)).toBe(code);
  });

  it('say who they are for, who signed them and until when', () => {
    const certificate = new X509Certificate(good.certificate);
    const root = new X509Certificate(authority.certificate);
    expect(certificate).toMatchObject({
      subject: 'CN=localhost',
      issuer: 'CN=An authority',
      subjectAltName: 'DNS:localhost, IP Address:127.0.0.1',
      ca: false,
    });
    expect(root.ca).toBe(true);
    expect(certificate.verify(root.publicKey)).toBe(true);
    expect(Math.abs(Date.parse(certificate.validTo) - (Date.now() + 30 * DAY_MS))).toBeLessThan(60_000);
  });

  it('may outlast 2049, where the form of the time changes', async () => {
    const late = await issueIdentity(authority, HOSTS, {
      from: new Date(),
      to: new Date('2050-01-02T03:04:05Z'),
    });
    expect(Date.parse(new X509Certificate(late.certificate).validTo)).toBe(
      Date.parse('2050-01-02T03:04:05Z'),
    );
  });
});
