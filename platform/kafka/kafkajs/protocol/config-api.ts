import type { Api } from './api.ts';

export interface TopicConfig {
  readonly topic: string;
  readonly errorCode: number;
  readonly message: string | null;
  /** Settings in force, defaults included; those that the broker keeps secret are left out. */
  readonly settings: Readonly<Record<string, string>>;
}

const TOPIC_RESOURCE = 2;

/** DescribeConfigs v2, of topics. */
export const DESCRIBE_CONFIGS: Api<
  { readonly topics: readonly string[] },
  { readonly topics: readonly TopicConfig[] }
> = {
  key: 32,
  version: 2,
  name: 'DescribeConfigs',
  encode(request, out) {
    out.array(request.topics, (topic) => out.int8(TOPIC_RESOURCE).string(topic).int32(-1));
    out.int8(0);
  },
  decode(body) {
    body.int32();
    const topics = body.array(() => {
      const head = { errorCode: body.int16(), message: body.nullableString() };
      body.int8(); // resource type
      const topic = body.string();
      const settings: Record<string, string> = {};
      body.array(() => {
        const name = body.string();
        const value = body.nullableString();
        for (let flag = 0; flag < 3; flag++) body.int8(); // read only, source, sensitive
        body.array(() => {
          for (let text = 0; text < 2; text++) body.nullableString(); // synonym and its value
          body.int8();
        });
        if (value !== null) settings[name] = value;
      });
      return { ...head, topic, settings };
    });
    return { topics };
  },
};
