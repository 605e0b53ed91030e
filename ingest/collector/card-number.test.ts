import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { holdsCardNumber } from './card-number.ts';

describe('holdsCardNumber', () => {
  // Published test numbers of the schemes.
  test.each([
    ['Visa', '4111111111111111'],
    ['Visa with 13 digits', '4222222222222'],
    ['Mastercard', '5555555555554444'],
    ['Mastercard, series 2', '2223003122003222'],
    ['American Express', '378282246310005'],
    ['Discover', '6011111111111117'],
    ['Diners Club', '30569309025904'],
    ['JCB', '3530111333300000'],
    ['UnionPay', '6200000000000005'],
    ['Maestro with 19 digits', '6304000000000000000'],
    ['groups with blanks', '4111 1111 1111 1111'],
    ['groups with hyphens', '3782-822463-10005'],
    ['in a sentence', 'my card is 4111.1111.1111.1111, thanks'],
    ['with its expiry date', '4111 1111 1111 1111 12/27'],
    ['with a number before it', 'order 12 4111 1111 1111 1111'],
  ])('sees %s', (_, text) => expect(holdsCardNumber(text)).toBe(true));

  test.each([
    ['a wrong check digit', '4111111111111112'],
    ['too few digits', '411111111111'],
    ['too many digits', '41111111111111111111'],
    ['milliseconds since 1970 that pass Luhn', '1732147200004'],
    ['an article number with zeros before it', '0000000000000000'],
    ['a phone number', '+49 30 901820'],
    ['words', 'running shoes, size 42'],
  ])('leaves %s', (_, text) => expect(holdsCardNumber(text)).toBe(false));

  test('sees every number that passes Luhn, bare or in groups, and none with another check digit', () => {
    const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 11, maxLength: 17 });
    const blank = fc.constantFrom('', ' ', '-');
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), digits, blank, (first, rest, glue) => {
        const body = [first, ...rest];
        const check = checkDigit(body);
        const grouped = (last: number) => [...body, last].join('').replace(/(\d{4})(?=\d)/g, `$1${glue}`);
        expect(holdsCardNumber(grouped(check))).toBe(true);
        if (glue === '') expect(holdsCardNumber(grouped((check + 1) % 10))).toBe(false);
      }),
    );
  });
});

/** Written apart from the product's: the digit that brings the sum to a multiple of ten. */
function checkDigit(body: readonly number[]): number {
  const sum = body
    .toReversed()
    .map((digit, index) => (index % 2 === 0 ? [0, 2, 4, 6, 8, 1, 3, 5, 7, 9][digit]! : digit))
    .reduce((a, b) => a + b, 0);
  return (10 - (sum % 10)) % 10;
}
