import { describe, expect, it } from 'vitest';
import { parseSystems, slotRules } from './systems.ts';

const PLANT = `systems:
  plant:
    kind: db2
    url: DATABASE=P;UID=u;PWD=\${PLANT_PASSWORD}
    capture: { connect: "http://connect", connector: plant, topicPrefix: plant }
`;

function refusal(text: string, source: NodeJS.ProcessEnv = {}): string {
  try {
    parseSystems(text, 'systems.yaml', source);
  } catch (error) {
    return String(error);
  }
  return 'nothing';
}

describe('systems.yaml', () => {
  it.each(['abc #rest', 's3cret: "w', "o'neill", '{x', '5'])(
    'takes a secret as it is, whatever YAML would make of it: %s',
    (secret) => {
      const { plant } = parseSystems(PLANT, 'systems.yaml', { PLANT_PASSWORD: secret });
      expect(plant?.url).toBe(`DATABASE=P;UID=u;PWD=${secret}`);
    },
  );

  it('names a variable that is not set', () => {
    expect(refusal(PLANT)).toMatch(/systems.yaml: \$\{PLANT_PASSWORD\} is not set in the environment/);
  });

  it('names the file that is no YAML, and shows nothing of it', () => {
    const said = refusal('systems: { plant: { url: "PWD=hidden\n');
    expect(said).toContain('systems.yaml (FICUS_SYSTEMS) is no YAML');
    expect(said).not.toContain('hidden');
  });

  it('takes JSON from a connector of its own unless told otherwise', () => {
    const { plant } = parseSystems(PLANT, 'systems.yaml', { PLANT_PASSWORD: 'x' });
    expect(plant?.capture).toMatchObject({ managed: true, format: 'json' });
    expect(plant?.capture.registry).toBeUndefined();
  });

  it('wants a registry for Avro', () => {
    const avro = PLANT.replace('topicPrefix: plant', 'topicPrefix: plant, format: avro');
    expect(refusal(avro, { PLANT_PASSWORD: 'x' })).toContain(
      'systems.plant.capture.registry.fromConnect: needed with format avro',
    );
    const foreign = avro.replace('format: avro', 'format: avro, managed: false');
    expect(parseSystems(foreign, 'systems.yaml', { PLANT_PASSWORD: 'x' }).plant?.capture.managed).toBe(false);
    const registry =
      'registry: { url: "http://r/apis/ccompat/v7", fromConnect: "http://r/apis/registry/v2" }';
    const whole = avro.replace('format: avro', `format: avro, ${registry}`);
    const { plant } = parseSystems(whole, 'systems.yaml', { PLANT_PASSWORD: 'x' });
    expect(plant?.capture.registry?.converter).toBe('apicurio');
  });

  it('names every faulty member', () => {
    const said = refusal(PLANT.replace('DATABASE=P;', '').replace('connector: plant', 'connektor: plant'), {
      PLANT_PASSWORD: 'x',
    });
    expect(said).toContain('systems.plant.url');
    expect(said).toContain('systems.plant.capture');
  });

  const BILLING = `systems:
  billing:
    kind: postgres
    url: postgres://ficus@db/billing
    capture:
      connect: http://connect
      connector: billing
      topicPrefix: billing
      slot: ficus_billing
      publication: ficus_billing
      database: { hostname: db, port: 5432, user: c, password: p, dbname: billing }
`;
  const withSlot = (...settings: string[]) =>
    settings.reduce((text, one) => text.replace('      slot:', `      ${one}\n      slot:`), BILLING);
  const rulesOf = (text: string) => {
    const { billing } = parseSystems(text, 'systems.yaml', {});
    return billing === undefined ? null : slotRules(billing);
  };

  it('holds a lost slot unless told otherwise', () => {
    expect(rulesOf(BILLING)).toEqual({ alarmShare: 0.5, policy: 'hold', limitBytes: null });
    expect(rulesOf(withSlot('slotPolicy: resnapshot', 'slotLimit: 1000', 'slotAlarm: 0.9'))).toEqual({
      ...{ alarmShare: 0.9, policy: 'resnapshot', limitBytes: 1000 },
    });
  });

  it.each([
    [['slotLimit: 1000'], 'capture.slotLimit: with slotPolicy hold nothing is given up'],
    [['slotPolicy: resnapshot', 'managed: false'], 'capture.slotPolicy: Ficus cannot restart a connector'],
    [['slotAlarm: 0'], 'capture.slotAlarm'],
    [['slotAlarm: 1.5'], 'capture.slotAlarm'],
    [['slotPolicy: drop'], 'capture.slotPolicy'],
  ])('refuses %s', (settings, said) => expect(refusal(withSlot(...settings))).toContain(said));
});
