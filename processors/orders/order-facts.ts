import type { Row } from '../../platform/clickhouse/port.ts';
import type { OrdersEvent, PaymentsEvent, ShipmentsEvent } from '../../schemas/generated/events.ts';
import { factEnvelope } from '../fact-envelope.ts';

/** The row of table `orders`. */
export function orderFact(event: OrdersEvent): Row {
  return { ...factEnvelope(event), order_id: event.orderId, ...orderDetails(event) };
}

function orderDetails(event: OrdersEvent): Row {
  switch (event.type) {
    case 'OrderPlaced':
      return {
        anonymous_id: event.anonymousId ?? '',
        buyer_id: event.buyerId,
        seller_id: event.sellerId,
        mode: event.mode,
        channel: event.channel,
        item_ids: event.lines.map((line) => line.itemId),
        quantities: event.lines.map((line) => line.quantity),
        amount_minor: event.total.amountMinor,
        currency: event.total.currency,
      };
    case 'OrderHeld':
    case 'OrderCancelled':
      return { reason: event.reason };
    case 'OrderReturned':
      return {
        item_ids: event.itemIds,
        amount_minor: event.refund.amountMinor,
        currency: event.refund.currency,
      };
    case 'OrderConfirmed':
    case 'OrderCompleted':
      return {};
  }
}

/** The row of table `payments`. */
export function paymentFact(event: PaymentsEvent): Row {
  return {
    ...factEnvelope(event),
    order_id: event.orderId,
    payment_id: event.paymentId,
    amount_minor: event.amount.amountMinor,
    currency: event.amount.currency,
    method: event.method,
    provider: event.provider,
    card_fingerprint: event.cardFingerprint ?? '',
    device_id: event.deviceId ?? '',
    ip_prefix: event.ipPrefix ?? '',
    installments: event.type === 'PaymentCaptured' ? event.installments : 0,
    reporting_currency: event.fx?.reportingCurrency ?? '',
    fx_rate: event.fx?.rate ?? 0,
    reason: 'reason' in event ? event.reason : '',
  };
}

/** The row of table `scans`. */
export function scanFact(event: ShipmentsEvent): Row {
  return {
    ...factEnvelope(event),
    order_id: event.orderId,
    shipment_id: event.shipmentId,
    carrier: event.carrier,
    ...scanDetails(event),
  };
}

function scanDetails(event: ShipmentsEvent): Row {
  switch (event.type) {
    case 'ShipmentCreated':
      return {
        service: event.service,
        origin: event.origin,
        destination: event.destination,
        promised_time: event.promisedTime,
      };
    case 'ShipmentScanned':
      return {
        status: event.status,
        place: event.place,
        latitude: event.latitude,
        longitude: event.longitude,
        temperature_celsius: event.temperatureCelsius,
      };
    case 'ShipmentDelivered':
      return { place: event.place };
    case 'ShipmentFailed':
      return { reason: event.reason, place: event.place ?? '' };
  }
}
