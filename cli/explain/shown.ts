import { masked, maskedText } from '../../processors/runtime/dead-letters/masked.ts';
import type { AlertEntity, AlertRaised } from '../../schemas/generated/events.ts';

/** How values that may name a person are shown. */
export interface Shown {
  /** A key or an id. */
  readonly text: (text: string) => string;
  readonly value: (value: unknown) => unknown;
  readonly isWhole: boolean;
}

/** What an alert is about may be shown where that is a thing. */
const THINGS: ReadonlySet<AlertEntity> = new Set<AlertEntity>(['parcel', 'order', 'item', 'lane']);

/** Everything where `reveals`; else what may name a person is masked, as it is in dead letters. */
export function shownOf(alert: AlertRaised, reveals: boolean): Shown {
  if (reveals) return { text: (text) => text, value: (value) => value, isWhole: true };
  const { entityId, entityType } = alert;
  const isOpen = (text: string) => THINGS.has(entityType) && text === entityId;
  return {
    text: (text) => (isOpen(text) ? text : maskedText(text)),
    value: (value) => (value === alert ? maskedAlert(alert, isOpen) : masked(value)),
    isWhole: false,
  };
}

function maskedAlert(alert: AlertRaised, isOpen: (text: string) => boolean): unknown {
  const { entityId } = alert;
  return { ...alert, entityId: isOpen(entityId) ? entityId : maskedText(entityId) };
}
