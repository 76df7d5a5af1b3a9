/** The parts of a dashboard of Cloud Monitoring that ours has: https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards */
export interface Dashboard {
  readonly displayName: string;
  readonly mosaicLayout: { readonly columns: number; readonly tiles: readonly Tile[] };
}

export interface Tile {
  readonly xPos: number;
  readonly yPos: number;
  readonly width: number;
  readonly height: number;
  readonly widget: {
    readonly title: string;
    readonly xyChart?: XyChart;
    readonly scorecard?: Scorecard;
  };
}

export interface Query {
  readonly prometheusQuery: string;
  readonly unitOverride: string;
}

export interface XyChart {
  readonly dataSets: readonly {
    readonly targetAxis: 'Y1' | 'Y2';
    readonly legendTemplate?: string;
    readonly timeSeriesQuery: Query;
  }[];
  readonly thresholds: readonly {
    readonly value: number;
    readonly label: string;
    readonly targetAxis: 'Y1' | 'Y2';
  }[];
}

export interface Scorecard {
  readonly timeSeriesQuery: Query;
  readonly thresholds: readonly {
    readonly value: number;
    readonly color: 'YELLOW' | 'RED';
    readonly direction: 'ABOVE';
  }[];
}

/** The queries of a tile, in their order. */
export function queriesOf({ widget: { xyChart, scorecard } }: Tile): readonly Query[] {
  return xyChart
    ? xyChart.dataSets.map(({ timeSeriesQuery }) => timeSeriesQuery)
    : scorecard
      ? [scorecard.timeSeriesQuery]
      : [];
}
