/** HTTP status of an exception by ClickHouse's number, as a server answers it; 500 for all others. */
const STATUS: Readonly<Record<number, readonly number[]>> = {
  400: [
    6, 26, 27, 33, 36, 38, 41, 43, 44, 45, 52, 53, 62, 69, 70, 72, 80, 108, 117, 125, 130, 158, 307, 396, 456,
    457, 452, 358,
  ],
  401: [194],
  403: [164, 192, 193, 497, 516],
  404: [46, 47, 50, 56, 60, 63, 73, 78, 81, 113, 115, 336],
  408: [159],
  411: [381],
  413: [229],
  415: [89],
  501: [48],
  503: [202, 209, 236, 76],
};

const BY_CODE = new Map(
  Object.entries(STATUS).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)] as const)),
);

export function statusOfException(code: number): number {
  return BY_CODE.get(code) ?? 500;
}
