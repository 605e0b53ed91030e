import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runMillrace, type MillraceProcess } from '../harness/millrace-process.ts';
import { requireService } from '../harness/require-service.ts';
import { makeTemporaryDir, type TemporaryDir } from '../harness/temporary-dir.ts';
import { waitUntil } from '../harness/wait-until.ts';

const browserService = requireService('chromium');

/** Debian's Chromium as root, without looking for hosts of its own. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

describe.skipIf(browserService.isMissing)(
  browserService.title('the console in Chromium, beside a demo'),
  () => {
    let dir: TemporaryDir;
    let demo: MillraceProcess;
    let browser: Browser;
    let url = '';

    beforeAll(async () => {
      dir = await makeTemporaryDir();
      demo = runMillrace(['demo', '--rate', '80'], {
        MR_DATA_DIR: dir.path,
        MR_INGEST_PORT: '0',
        MR_SERVING_PORT: '0',
        MR_PROCESSORS_PORT: '0',
      });
      url = await waitUntil(() => /open (http\S+)/.exec(demo.stderr())?.[1], {
        timeoutMs: 60_000,
        what: 'the demo',
      });
      browser = await chromium.launch({ executablePath: browserService.address, args: ARGUMENTS });
    });

    afterAll(async () => {
      await browser.close();
      demo.child.kill('SIGTERM');
      await demo.ended;
      await dir.remove();
    });

    it('shows numbers, trending items and a visitor with recommendations, without an error', async () => {
      const page = await browser.newPage();
      const faults: string[] = [];
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error') faults.push(message.text());
      });
      await page.goto(url);
      const shown = (selector: string) => async () => page.locator(selector).first().innerText();
      const wait = { timeout: 60_000, interval: 500 };
      await expect.poll(shown('#tile-events [data-value]'), wait).toMatch(/^[1-9]/);
      await expect.poll(shown('#tile-orders [data-value]'), wait).toMatch(/^[1-9]/);
      const tile = await page.locator('#tile-revenue [data-value]').innerText();
      expect(tile).not.toMatch(/NaN|undefined|null/);
      for (const text of ['Trending', 'recommend']) {
        await expect.poll(shown('main'), wait).toMatch(new RegExp(text, 'i'));
      }
      expect(await page.title()).toContain('Millrace');
      expect(faults).toEqual([]);
    });
  },
);
