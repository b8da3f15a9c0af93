// The types that the dashboard is held to. JSON has texts where Grafana's types have members of an
// enumeration, so these become their texts.
import type { TempoQuery } from "./node_modules/@grafana/schema/dist/types/raw/composable/tempo/dataquery/x/TempoDataQuery_types.gen";
import type {
  Dashboard,
  Panel,
} from "./node_modules/@grafana/schema/dist/types/raw/dashboard/x/dashboard_types.gen";

type Plain<T> = T extends string
  ? `${T}`
  : T extends (infer Item)[]
    ? Plain<Item>[]
    : T extends object
      ? { [Key in keyof T]: Plain<T[Key]> }
      : T;

export type PlainDashboard = Plain<Omit<Dashboard, "panels">> & { panels: unknown[] };
export type PlainPanel = Plain<Omit<Panel, "targets">> & { targets: unknown[] };
export type PlainTempoQuery = Plain<TempoQuery>;
