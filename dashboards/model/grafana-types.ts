/**
 * The Classic dashboard model (schemaVersion 42) as plain JSON. `@grafana/schema` writes string enums; here their
 * values are the literals, so that panels are checked by the compiler without a run-time dependency.
 */
import type {
  AnnotationQuery,
  Dashboard,
  DashboardLink,
  FieldConfigSource,
  Panel,
  RowPanel,
  ThresholdsConfig,
  VariableModel,
} from '@grafana/schema/dist/esm/raw/dashboard/x/Dashboard_types.gen';

/** The JSON form of a schema type: enums become their literals. */
export type Plain<T> = T extends string
  ? `${T}`
  : T extends number
    ? PlainNumber<T>
    : T extends readonly (infer Item)[]
      ? Plain<Item>[]
      : T extends object
        ? { [Key in keyof T]: Plain<T[Key]> }
        : T;

/** `${Enum}` reads as its number again; plain numbers stay what they are. */
type PlainNumber<T extends number> = number extends T
  ? number
  : `${T}` extends `${infer Literal extends number}`
    ? Literal
    : never;

/** The schema types the target of the built-in annotations only; a data source's own query is what Grafana stores. */
export type PlainAnnotation = Omit<Plain<AnnotationQuery>, 'target'> & {
  readonly target?: Readonly<Record<string, unknown>>;
};
/** The schema leaves out `definition`, the text that the variable editor shows. */
export type PlainVariable = Plain<VariableModel> & { readonly definition?: string };
export type PlainPanel = Plain<Panel>;
export type PlainRowPanel = Plain<RowPanel>;
export type PlainLink = Plain<DashboardLink>;
export type PlainFieldConfig = Plain<FieldConfigSource>;
export type PlainThresholds = Plain<ThresholdsConfig>;

export type ClassicDashboard = Omit<
  Plain<Dashboard>,
  'annotations' | 'templating' | 'panels' | 'links' | 'uid' | 'title'
> & {
  readonly uid: string;
  readonly title: string;
  readonly annotations: { readonly list: readonly PlainAnnotation[] };
  readonly templating: { readonly list: readonly PlainVariable[] };
  readonly links: readonly PlainLink[];
  readonly panels: readonly (PlainPanel | PlainRowPanel)[];
};

export interface DataSource {
  readonly type: string;
  readonly uid: string;
}

/** The ClickHouse data source that the dashboard's `datasource` variable names. */
export const CLICKHOUSE: DataSource = { type: 'grafana-clickhouse-datasource', uid: '${datasource}' };

/** Grafana itself: the source of the built-in annotations, such as alert states. */
export const GRAFANA: DataSource = { type: 'grafana', uid: '-- Grafana --' };
