import type { ByteReader, ByteWriter } from './wire.ts';

/** One request of the Kafka protocol in one fixed version, which every broker from 3.9 to 4.x speaks. */
export interface Api<Request, Response> {
  readonly key: number;
  readonly version: number;
  readonly name: string;
  /** Flexible versions (KIP-482) carry tagged fields in their headers. */
  readonly flexible?: boolean;
  /** A flexible request whose answer has a header without tagged fields: ApiVersions alone (KIP-511). */
  readonly plainAnswer?: boolean;
  encode(request: Request, out: ByteWriter): void;
  decode(body: ByteReader): Response;
}
