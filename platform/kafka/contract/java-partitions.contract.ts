/**
 * What Java says: `Utils.murmur2` of the UTF-8 bytes of a key, and the partition of twelve that the producer of Apache
 * Kafka 4.4 chooses for it (`BuiltInPartitioner.partitionForKey`).
 */
export const JAVA_PARTITIONS: readonly (readonly [key: string, hash: number, partition: number])[] = [
  ['', 275646681, 9],
  ['a', -1563381124, 4],
  ['ab', 316155434, 2],
  ['abc', 479470107, 3],
  ['abcd', -1323649548, 8],
  ['abcde', 461995741, 1],
  ['visitor-0', 2017499832, 0],
  ['visitor-1', 122839050, 6],
  ['visitor-41', -1462781852, 0],
  ['018f3b1e-7c1a-7e52-9d0a-2f6b1c9e0a77', -459423183, 5],
  ['0', 971027396, 8],
  ['-1', 1531782027, 3],
  ['order:2024-11-24', 1875584360, 8],
  ['A\u00e9', -1926012085, 7],
  ['gr\u00f6\u00dfe', 588164084, 8],
  ['\u952e', -1325745572, 0],
  ['\ud83d\uded2', 442588275, 3],
  ['\u0000', 375494588, 8],
  ['null', -75681477, 11],
  [' spaced key ', -788167219, 1],
  ['the quick brown fox jumps over the lazy dog', -890066680, 4],
  ['\u0080\u07ff\u0800\uffff', -973742778, 2],
];
