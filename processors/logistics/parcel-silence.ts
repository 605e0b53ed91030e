import type { AlertRaised, ShipmentsEvent } from '../../schemas/generated/events.ts';
import { alertOf, type Finding } from '../alerts/alert.ts';
import { internalMeta } from '../internal-event.ts';
import type { NodeContext, Push } from '../runtime/dsl/index.ts';

interface Parcel {
  readonly state: 'under way' | 'silent' | 'failed' | 'delivered';
  readonly lastEventId: string;
  readonly lastEventTimeMs: number;
  readonly carrier: string;
}

/**
 * Parcels without a scan: an event-time timer for each parcel that is under way, set anew by each scan. It fires when
 * the watermark passes, also when the carrier has fallen silent altogether. A parcel that was delivered or reported is
 * remembered until scans that arrive out of order would be too old to start the watch again.
 */
export function parcelSilence(
  context: NodeContext,
  emit: Push<AlertRaised>,
  silenceMs: number,
): Push<ShipmentsEvent> {
  const parcels = context.store<Parcel>('parcels');

  const report = (shipmentId: string, parcel: Parcel, dueMs: number) => {
    const finding: Finding = {
      kind: 'parcel-silent',
      severity: 'warning',
      entityType: 'parcel',
      entityId: shipmentId,
      summary: `no scan by ${parcel.carrier} for ${Math.round(silenceMs / 1000)} s`,
      firstEventTimeMs: parcel.lastEventTimeMs,
      lastEventTimeMs: dueMs,
      evidence: [parcel.lastEventId],
    };
    const alert = alertOf(finding, context.now());
    emit(alert, internalMeta(alert));
  };

  const timers = context.timers('parcel-silence', (shipmentId, dueMs) => {
    const parcel = parcels.get(shipmentId);
    if (parcel?.state !== 'under way') {
      parcels.delete(shipmentId);
      return;
    }
    report(shipmentId, parcel, dueMs);
    parcels.set(shipmentId, { ...parcel, state: 'silent' });
    timers.set(shipmentId, dueMs + silenceMs);
  });

  return (event) => {
    const known = parcels.get(event.shipmentId);
    const state = stateAfter(event);
    const isOld = known !== undefined && known.lastEventTimeMs >= event.eventTime;
    if (known?.state === 'delivered' || (isOld && state !== 'delivered')) return;
    if (known === undefined && event.eventTime + silenceMs <= context.watermarkMs()) return;
    const lastEventTimeMs = Math.max(event.eventTime, known?.lastEventTimeMs ?? event.eventTime);
    parcels.set(event.shipmentId, {
      state,
      lastEventId: event.eventId,
      lastEventTimeMs,
      carrier: event.carrier,
    });
    timers.set(event.shipmentId, lastEventTimeMs + silenceMs);
  };
}

/** An exception ends the watch, since it is known without an alert; a scan after it starts the watch again. */
function stateAfter(event: ShipmentsEvent): Parcel['state'] {
  if (event.type === 'ShipmentDelivered') return 'delivered';
  return event.type === 'ShipmentFailed' ? 'failed' : 'under way';
}
