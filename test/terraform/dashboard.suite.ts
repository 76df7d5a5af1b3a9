import assert from 'node:assert/strict';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHROMIUM, launchChromium } from '../support/chromium.ts';
import { type Dashboard, queriesOf, type Tile } from './dashboard/dashboard.ts';
import { type Drawn, drawing } from './dashboard/drawing.ts';
import { night, SHOWN } from './dashboard/night.ts';
import { hasPrometheus, Prometheus } from './dashboard/prometheus.ts';
import { apply, type Deployment, ofType } from './deployment.ts';
import { at, listAt, textAt } from './json.ts';
import { findTool, ROOT } from './tools.ts';

/** Folder of the picture: that of the documentation with UPDATE_PICTURE=1. */
const FOLDER = join(ROOT, process.env['UPDATE_PICTURE'] ? 'docs' : 'test-results/browser');
const CAPTION =
  'Drawn from the dashboard’s definition with made-up values, evaluated by Prometheus. Not a screenshot of Cloud Monitoring. UTC.';
const MAX_BYTES = 250_000;

describe('the dashboard', () => {
  let deployment: Deployment;
  let dashboard: Dashboard;
  let tiles: readonly Tile[];

  before(async function () {
    this.timeout(300_000);
    const tfcheck = findTool('TFCHECK');
    if (!tfcheck) return this.skip();
    const applied = await apply(tfcheck, 'complete', { only: 'init,plan,apply' });
    assert.ok(applied.deployment, applied.output);
    deployment = applied.deployment;
    const [resource] = ofType(deployment, 'google_monitoring_dashboard');
    dashboard = JSON.parse(textAt(resource?.values, 'dashboard_json')) as Dashboard;
    tiles = dashboard.mosaicLayout.tiles;
    assert.ok(tiles.length > 25);
  });

  it('has a title on each tile, and no two tiles in one place', () => {
    const { columns } = dashboard.mosaicLayout;
    const taken = new Set<string>();
    for (const { xPos, yPos, width, height, widget } of tiles) {
      assert.ok(widget.title && xPos + width <= columns, widget.title);
      for (let x = xPos; x < xPos + width; x++) {
        for (let y = yPos; y < yPos + height; y++) {
          assert.ok(!taken.has(`${x} ${y}`), `${widget.title} covers another tile`);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  it('has colours and directions in scorecards only, and axes in charts only, as the API wants it', () => {
    for (const { widget } of tiles) {
      for (const threshold of widget.xyChart?.thresholds ?? []) {
        assert.deepEqual(Object.keys(threshold).sort(), ['label', 'targetAxis', 'value'], widget.title);
        assert.ok(widget.xyChart?.dataSets.some(({ targetAxis }) => targetAxis === threshold.targetAxis));
      }
      for (const threshold of widget.scorecard?.thresholds ?? []) {
        assert.deepEqual(Object.keys(threshold).sort(), ['color', 'direction', 'value'], widget.title);
      }
    }
  });

  it('has the thresholds of the alerts that they name', () => {
    const alerts = new Map(
      ofType(deployment, 'google_monitoring_alert_policy').map(({ index, values }) => [
        String(index),
        textAt(values, 'conditions', 0, 'condition_prometheus_query_language', 0, 'query'),
      ]),
    );
    const named = tiles
      .flatMap(({ widget }) => widget.xyChart?.thresholds ?? [])
      .filter(({ label }) => alerts.has(label));
    assert.ok(named.length >= 8, `${named.length} are named`);
    for (const { label, value } of named) {
      const limits = [...(alerts.get(label) ?? '').matchAll(/> (\d[\d.]*)/g)].map(([, limit]) =>
        Number(limit),
      );
      assert.ok(limits.includes(value), `${label}: ${value}, and the alert has ${limits}`);
    }
  });

  it('has the charts that runbooks name', () => {
    const runbooks = globSync('docs/runbooks/*.md', { cwd: ROOT }).map((file) =>
      readFileSync(join(ROOT, file), 'utf8'),
    );
    const charts = runbooks.flatMap((text) =>
      [...text.matchAll(/\bchart \*([^*]+)\*/g)].map(([, name = '']) => name),
    );
    assert.ok(charts.length > 5);
    const isShown = (name: string) => {
      const [start = '', end = ''] = name.split('…');
      return tiles.some(({ widget: { title } }) => title.startsWith(start.trimEnd()) && title.includes(end));
    };
    assert.deepEqual(
      charts.filter((name) => !isShown(name)),
      [],
    );
  });

  it('has values in every line of every tile, and is drawn as it is', async function () {
    if (!hasPrometheus()) return this.skip();
    this.timeout(300_000);
    const boundsOf = (metric: string) => {
      const found = ofType(deployment, 'google_logging_metric').find(({ index }) => index === metric);
      return listAt(found?.values, 'bucket_options', 0, 'explicit_buckets', 0, 'bounds') as number[];
    };
    const quarantine = ofType(deployment, 'google_storage_bucket').find(({ name }) => name === 'quarantine');
    await using prometheus = await Prometheus.serving(
      night(boundsOf, String(at(quarantine?.values, 'name'))),
    );
    const drawn: { tile: Tile; answers: Drawn[number]['answers'] }[] = [];
    for (const tile of tiles) {
      const queries = queriesOf(tile);
      assert.ok(queries.length > 0, tile.widget.title);
      const answers = await Promise.all(
        queries.map(({ prometheusQuery }) => prometheus.query(prometheusQuery, SHOWN)),
      );
      for (const [index, lines] of answers.entries()) {
        const isThere = lines.some(({ points }) => points.length > 0);
        assert.ok(isThere, `${tile.widget.title}: no value of ${queries[index]?.prometheusQuery}`);
      }
      drawn.push({ tile, answers });
    }
    if (!CHROMIUM) {
      console.log('    SKIPPED the picture: there is no Chromium');
      return;
    }
    await picture(drawing(dashboard, drawn, SHOWN, CAPTION), tiles);
  });
});

/** Has a page rendered, and keeps the picture of it. */
async function picture(html: string, tiles: readonly Tile[]): Promise<void> {
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1445, height: 900 } });
    await page.setContent(html);
    const titles = await page.locator('svg text').allTextContents();
    assert.deepEqual(
      tiles.map(({ widget }) => widget.title).filter((title) => !titles.includes(title)),
      [],
    );
    const height = await page.evaluate<number>(
      'Math.ceil(document.querySelector("svg").getBoundingClientRect().height)',
    );
    const session = await page.context().newCDPSession(page);
    const { data } = await session.send('Page.captureScreenshot', {
      format: 'webp',
      quality: 80,
      captureBeyondViewport: true,
      clip: { x: 0, y: 0, width: 1445, height, scale: 0.9 },
    });
    const bytes = Buffer.from(data, 'base64');
    assert.ok(bytes.length > 20_000 && bytes.length < MAX_BYTES, `${bytes.length} bytes`);
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, 'dashboard.webp'), bytes);
  } finally {
    await browser.close();
  }
}
