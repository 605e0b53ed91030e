import { expect, it } from 'vitest';
import { Secret } from '../config.ts';
import { serverAddress } from './server-address.ts';

const read = (url: string, caFile?: string) => serverAddress({ url: new Secret(url), caFile, poolSize: 1 });

it('reads host, port, user, password and database out of the URL', async () => {
  expect(await read('postgres://mill:p%40ss%2Fw%C3%B6rd@db.example:6543/shop')).toEqual({
    host: 'db.example',
    port: 6543,
    user: 'mill',
    password: 'p@ss/wörd',
    database: 'shop',
    ssl: false,
  });
  expect(await read('postgresql://mill@[::1]')).toMatchObject({ host: '::1', port: 5432, database: 'mill' });
});

it('checks certificates for whatever sslmode asks for TLS', async () => {
  for (const mode of ['require', 'verify-full']) {
    expect((await read(`postgres://u@h/d?sslmode=${mode}`)).ssl).toEqual({ rejectUnauthorized: true });
  }
  expect((await read('postgres://u@h/d?sslmode=disable')).ssl).toBe(false);
});

it.each([
  ['an sslmode that would check nothing', 'postgres://u@h/d?sslmode=prefer', undefined, 'sslmode'],
  ['a parameter that it would ignore', 'postgres://u@h/d?options=-csearch_path%3Dx', undefined, 'options'],
  ['contradictions', 'postgres://u@h/d?sslmode=disable', '/ca.pem', 'MR_POSTGRES_CA_FILE'],
  ['a file that is not there', 'postgres://u@h/d', '/no/such/ca.pem', 'MR_POSTGRES_CA_FILE'],
])('refuses %s', async (_what, url, caFile, name) => {
  await expect(read(url, caFile)).rejects.toMatchObject({
    code: 'MR_CONFIG_INVALID',
    message: expect.stringContaining(name) as string,
  });
});
