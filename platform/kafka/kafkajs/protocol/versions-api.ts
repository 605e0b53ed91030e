import type { Api } from './api.ts';
import { ByteReader } from './wire.ts';

export interface VersionsResponse {
  readonly errorCode: number;
  /** Highest level of `metadata.version` that the broker's software knows; undefined where it does not say. */
  readonly metadataLevel: number | undefined;
}

const SUPPORTED_FEATURES = 0;

/** ApiVersions v3: what the connection has negotiated already, and beside it the features that the software supports. */
export const API_VERSIONS: Api<null, VersionsResponse> = {
  key: 18,
  version: 3,
  name: 'ApiVersions',
  flexible: true,
  plainAnswer: true,
  encode(_request, out) {
    out.compactString('millrace').compactString('1').noTags();
  },
  decode(body) {
    const errorCode = body.int16();
    body.compactArray(() => {
      for (let field = 0; field < 3; field++) body.int16(); // key, lowest and highest version
      body.skipTags();
    });
    body.int32();
    const features = body.tags().get(SUPPORTED_FEATURES);
    return { errorCode, metadataLevel: features === undefined ? undefined : metadataLevel(features) };
  },
};

function metadataLevel(features: Buffer): number | undefined {
  const body = new ByteReader(features);
  const levels = body.compactArray(() => {
    const name = body.compactNullableString();
    body.int16(); // lowest
    const highest = body.int16();
    body.skipTags();
    return { name, highest };
  });
  return levels.find(({ name }) => name === 'metadata.version')?.highest;
}
