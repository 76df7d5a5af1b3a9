import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { mock } from 'node:test';
import { pino } from 'pino';
import { REPORT_MS } from '../../../functions/scanner/admission/slot-use.ts';
import { composeEngine, engineVariables } from '../../../functions/scanner/engine.ts';
import { readConfig } from '../../../shared/runtime/config.ts';

describe('the engine of an instance', () => {
  afterEach(() => mock.timers.reset());

  it('logs its slots in use while a scan runs, as the metrics of the deployment want it', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    const lines: Record<string, unknown>[] = [];
    const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line)) });
    const config = readConfig(engineVariables, {
      CLAMD_TEMP_DIR: tmpdir(),
      SCAN_SLOTS: '2',
      MAX_SCAN_BYTES: '1024',
    });
    const gate = Promise.withResolvers<void>();
    const scanning = composeEngine(config, log).admission.run('org:1', 1, () => gate.promise);
    await new Promise(setImmediate);
    mock.timers.tick(REPORT_MS);
    gate.resolve();
    await scanning;
    const [line] = lines;
    assert.equal(line?.['msg'], 'slots in use');
    assert.equal(Number(line?.['slotsUsed']) + Number(line?.['slotsFree']), 2);
  });
});
