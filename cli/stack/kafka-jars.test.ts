import { describe, expect, it } from 'vitest';
import { javaMajor, KAFKA_VERSION, kafkaPom, requireJava } from './kafka-jars.ts';

describe('javaMajor', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_402"', 8],
    ['openjdk version "21" 2023-09-19 LTS', 21],
    ['openjdk version "24-ea" 2025-03-18', 24],
    ['command not found', undefined],
  ])('%s is %s', (text, major) => {
    expect(javaMajor(text)).toBe(major);
  });
});

it('says that Java is missing', async () => {
  await expect(requireJava('no-such-java')).rejects.toMatchObject({ code: 'MR_STACK_JAVA_MISSING' });
});

it('pins Kafka and a logging back end', () => {
  const pom = kafkaPom();
  expect(pom).toContain(`<artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version>`);
  expect(pom).toContain('<artifactId>log4j-slf4j-impl</artifactId>');
  expect(KAFKA_VERSION).toMatch(/^4\.\d+\.\d+$/);
});
