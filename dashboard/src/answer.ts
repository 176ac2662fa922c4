/**
 * The answers of the API, field by field as `api/src/answer.rs` writes them; a test compares the two.
 *
 * Values are in the metric's `unit`, times are RFC 3339 in UTC, intervals are 95 % ones.
 */

/** `GET /api/v1/apps` */
export interface Apps {
  apps: App[];
}

export interface App {
  id: string;
  /** The public write key that its pages send. It is no secret. */
  key: string;
  /** Missing before the first beacon. */
  last_received?: string;
  dimensions: string[];
  /** Sets of dimensions that can be asked about together. */
  together: string[][];
  minute_retention_s: number;
  hour_retention_s: number;
}

/** `GET /api/v1/metrics` */
export interface Metrics {
  app: string;
  metrics: Metric[];
}

export type Unit = "ms" | "score" | "bytes" | "count" | "per_second";

export interface Metric {
  name: string;
  title: string;
  unit: Unit;
  /** Up to this value, inclusive, it is good. */
  good?: number;
  /** Above this value it is poor. */
  poor?: number;
  last_seen: string;
}

/** `GET /api/v1/dimensions` */
export interface Dimensions {
  app: string;
  dimensions: Dimension[];
}

export interface Dimension {
  name: string;
  /** `""`: not known, `__other__`: beyond the most frequent. */
  values: string[];
  values_total: number;
}

/** What was asked, as it was understood. */
export interface Asked {
  app: string;
  metric: string;
  unit: Unit;
  from: string;
  to: string;
  filter: Record<string, string[]>;
  /** Empty for samples. */
  cuboid: string[];
  /** `rollups`: exact counts of all users; `samples`: estimates. */
  source: string;
  /** Missing for rollups. */
  sampled?: Sampled;
}

/** How many beacons of the asked range and routes were looked at. */
export interface Sampled {
  beacons: number;
  samples: number;
}

export interface Quantile {
  /** In [0, 1]. */
  q: number;
  value: number;
  /** Missing when there are too few samples to say. */
  low?: number;
  high?: number;
}

export interface Ratings {
  good: number;
  needs_improvement: number;
  poor: number;
}

export interface Summary {
  /** After sampling weights. */
  n: number;
  /** Before sampling weights; intervals come from these. Of samples: as many of equal weight as would tell as much. */
  samples: number;
  mean?: number;
  quantiles: Quantile[];
}

/** `GET /api/v1/timeseries` */
export interface Timeseries extends Asked {
  step_s: number;
  resolution: string;
  group_by?: string;
  series: TimeseriesSeries[];
  series_total: number;
}

export interface TimeseriesSeries {
  value?: string;
  n: number;
  /** By rising time; windows without a value are left out. */
  points: Point[];
}

export interface Point extends Summary {
  at: string;
}

/** `GET /api/v1/histogram` */
export interface Histogram extends Asked, Summary {
  ratings?: Ratings;
  bins: Bin[];
}

/** Values in `[from, to)`. */
export interface Bin {
  from: number;
  to: number;
  n: number;
}

/** `GET /api/v1/breakdown` */
export interface Breakdown extends Asked {
  by: string;
  n: number;
  rows: BreakdownRow[];
  rows_total: number;
}

export interface BreakdownRow extends Summary {
  value: string;
  /** In [0, 1]. */
  share: number;
  ratings?: Ratings;
  /** What its values exceed the `good` threshold by, summed. */
  over_good?: number;
  bins: Bin[];
}

/** `GET /api/v1/heatmap` */
export interface Heatmap extends Asked {
  step_s: number;
  resolution: string;
  n: number;
  samples: number;
  /** By rising value, without gaps. */
  rows: Bounds[];
  columns: Column[];
  releases: Release[];
}

/** `[from, to)` */
export interface Bounds {
  from: number;
  to: number;
}

export interface Column {
  at: string;
  n: number;
  /** Pairs of a row's index and its count. */
  cells: [number, number][];
}

export interface Release {
  release: string;
  first_seen: string;
}

/** `GET /api/v1/samples` */
export interface Samples extends Asked {
  samples: Sample[];
  samples_total: number;
}

/** One beacon as it was: what it said about one minute. */
export interface Sample {
  at: string;
  route: string;
  dimensions: Record<string, string>;
  experiments: Record<string, string>;
  weight: number;
  view_id?: string;
  session_id?: string;
  url?: string;
  value: number;
  /** An object; a text if the client sent no JSON; `null` if it said nothing. */
  attribution: unknown;
  events: SampleEvent[];
}

export interface SampleEvent {
  metric: string;
  unit: Unit;
  value: number;
  at: string;
}

/** `GET /api/v1/anomalies` */
export interface Anomalies {
  app: string;
  from: string;
  to: string;
  anomalies: Anomaly[];
  anomalies_total: number;
  tested_to?: string;
}

/** Neighbouring flags of one series by one rule. */
export interface Anomaly {
  metric: string;
  unit: Unit;
  slice: Record<string, string>;
  /** `shift`, `tail` or `count`. */
  rule: string;
  from: string;
  to: string;
  minutes: number;
  observed: number;
  expected: number;
  /** `observed / expected - 1` */
  effect: number;
  n: number;
  p_value: number;
}

/** `GET /api/v1/alerts` */
export interface Alerts {
  alerts: Alert[];
  alerts_total: number;
}

export interface Alert {
  id: number;
  app: string;
  /** `pending`, `firing` or `resolved`. */
  state: string;
  sentence: string;
  began: string;
  last_flagged: string;
  resolved?: string;
  minutes_flagged: number;
  series_max: number;
  lead: Anomaly;
  changes: AlertChange[];
}

export interface AlertChange {
  state: string;
  at: string;
  /** `not_needed`, `due`, `done` or `failed`. */
  delivery: string;
}

/** `GET /api/v1/outcomes` */
export interface Outcomes {
  app: string;
  from: string;
  to: string;
  received: number;
  accepted: number;
  rejected: number;
  rolled_up: number;
  too_late: number;
  duplicate: number;
  reasons: Reason[];
  refused: Reason[];
}

export interface Reason {
  reason: string;
  meaning: string;
  count: number;
}

/** Every error of the API. */
export interface ErrorBody {
  error: ErrorDetail;
}

export interface ErrorDetail {
  reason: string;
  detail: string;
  hint?: string;
}
