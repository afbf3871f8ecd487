/** Flags for a Java server that must start fast and stay small: the serial collector, the quick compiler only. */
export function jvmFlags(heapMegabytes: number): string[] {
  return [
    ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Xmx${heapMegabytes}m`, '-Xms64m', '-Xss512k'],
    ...[
      '-XX:+ExitOnOutOfMemoryError',
      '-Djava.awt.headless=true',
      // Its counters would lie in a folder for all users' processes.
      '-XX:-UsePerfData',
      '-Dfile.encoding=UTF-8',
      '-Duser.timezone=UTC',
    ],
  ];
}

/** Settings of the logger that writes to standard error. */
export function logFlags(level: 'info' | 'warn'): string[] {
  const prefix = '-Dorg.slf4j.simpleLogger';
  return [
    `${prefix}.defaultLogLevel=${level}`,
    `${prefix}.showDateTime=true`,
    `${prefix}.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSS`,
    `${prefix}.showThreadName=false`,
  ];
}

/** A properties file. Values are written as they are; none of ours holds a backslash or a line break. */
export function formatProperties(properties: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
