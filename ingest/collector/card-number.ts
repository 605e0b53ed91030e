/**
 * Recognises numbers of payment cards in texts, so that none is ever stored (PCI DSS, requirement 3.2). A hit is a run
 * of 13 to 19 digits, bare or in groups with single blanks, dots or hyphens, that ends in a correct Luhn digit
 * (ISO/IEC 7812-1, annex B). Numbers that start with 0 or 1 are left out: no card that a shop takes does, while
 * timestamps in milliseconds and padded article numbers do.
 */

const CANDIDATE = /\d(?:[ .-]?\d){12,}/g;
const MIN_DIGITS = 13;
const MAX_DIGITS = 19;

/** True where the text holds what looks like a card number. Linear in the text. */
export function holdsCardNumber(text: string): boolean {
  if (text.length < MIN_DIGITS) return false;
  for (const match of text.matchAll(CANDIDATE)) {
    if (groupsHoldCardNumber(match[0].split(/[ .-]/))) return true;
  }
  return false;
}

/** Any neighbouring groups may be the number: an expiry date or a postcode often stands beside it. */
function groupsHoldCardNumber(groups: readonly string[]): boolean {
  for (let first = 0; first < groups.length; first++) {
    let digits = '';
    for (let last = first; last < groups.length; last++) {
      digits += groups[last] ?? '';
      if (digits.length > MAX_DIGITS) break;
      if (digits.length >= MIN_DIGITS && isCardNumber(digits)) return true;
    }
  }
  return false;
}

function isCardNumber(digits: string): boolean {
  return digits.charCodeAt(0) > 0x31 && passesLuhn(digits);
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 0x30;
    const doubled = digit * 2;
    sum += i % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
