/** The address of a server, as a test finds it. A missing one fails by name: a test never skips silently. */
export function testAddress(name: `TEST_${string}`): string {
  const value = process.env[name];
  if (!value)
    throw new Error(
      `${name} is not set: run './ficus test', or start servers with 'up --write-env FILE' and source FILE`,
    );
  return value;
}
