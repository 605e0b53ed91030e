/**
 * Payments of the Brazilian E-Commerce data set by Olist (order_payments). The rows have no times: they are one second
 * apart, in the order of the file.
 */
import type { PaymentCaptured, PaymentMethod } from '../../schemas/generated/events.ts';
import { splitCsvRow } from './csv-row.ts';
import { findDataFile, readLines } from './data-file.ts';
import { BATCH_EVENTS, badRow, replayEventId, type ReadBatches } from './replay-event.ts';

const SOURCE = 'replay-olist';
const FILE_NAMES = ['olist_order_payments_dataset.csv'];
const HEADER = 'order_id,payment_sequential,payment_type,payment_installments,payment_value';
const PAYMENTS_START_MS = Date.UTC(2018, 0, 1);
const SECOND_MS = 1000;
const METHODS: Readonly<Record<string, PaymentMethod>> = {
  credit_card: 'card',
  debit_card: 'debitCard',
  boleto: 'bankTransfer',
  voucher: 'voucher',
  not_defined: 'other',
};

type Payment = Omit<PaymentCaptured, 'ingestTime'>;

/** The source's reader. @throws MillraceError MR_REPLAY_NOT_FOUND. */
export function readOlist(path: string): ReadBatches {
  const file = findDataFile(path, FILE_NAMES);
  return (onBadRow) => batches(file, onBadRow);
}

async function* batches(
  file: string,
  onBadRow: Parameters<ReadBatches>[0],
): AsyncGenerator<readonly Payment[]> {
  let ready: Payment[] = [];
  let line = 0;
  for await (const texts of readLines(file)) {
    for (const text of texts) {
      line++;
      if (line === 1) {
        // Another header is another file: nothing of it can be read, whatever is said about bad rows.
        if (splitCsvRow(text)?.join() !== HEADER) throw badRow(file, line, `needs the header ${HEADER}`);
        continue;
      }
      const row = parsePayment(text, line);
      if (typeof row === 'string') onBadRow(badRow(file, line, row));
      else ready.push(row);
      if (ready.length >= BATCH_EVENTS) {
        yield ready;
        ready = [];
      }
    }
  }
  if (ready.length > 0) yield ready;
}

/** The payment of a row, or what is wrong with it. */
function parsePayment(text: string, line: number): Payment | string {
  const cells = splitCsvRow(text);
  if (cells?.length !== 5) return 'needs five columns';
  const [orderId = '', sequential = '', type = '', installmentsText = '', value = ''] = cells;
  const method = METHODS[type];
  const amountMinor = parseCents(value);
  if (!/^[0-9a-f]{32}$/.test(orderId)) return 'order_id needs 32 hexadecimal digits';
  if (!/^\d{1,4}$/.test(sequential)) return 'payment_sequential needs a whole number';
  if (method === undefined) return `payment_type needs one of ${Object.keys(METHODS).join(', ')}`;
  if (!/^\d{1,4}$/.test(installmentsText)) return 'payment_installments needs a whole number';
  if (amountMinor === undefined) return 'payment_value needs an amount with at most two decimals';
  const eventTime = PAYMENTS_START_MS + (line - 2) * SECOND_MS;
  return {
    type: 'PaymentCaptured',
    eventId: replayEventId(SOURCE, String(line), eventTime),
    eventTime,
    source: SOURCE,
    traceparent: null,
    orderId,
    paymentId: `${orderId}-${sequential}`,
    amount: { amountMinor, currency: 'BRL' },
    method,
    provider: 'olist',
    cardFingerprint: null,
    deviceId: null,
    ipPrefix: null,
    fx: null,
    installments: Number(installmentsText),
  };
}

/** Cents of a decimal, digit by digit: no amount goes through a binary fraction. */
function parseCents(text: string): number | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(text);
  return match === null ? undefined : Number(`${match[1] ?? ''}${(match[2] ?? '').padEnd(2, '0')}`);
}
