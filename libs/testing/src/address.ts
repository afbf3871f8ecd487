/** The address of a real server that a test needs. A missing one fails the test by name; it never skips it. */
export function addressOf(variable: `TEST_${string}`): string {
  const value = process.env[variable];
  if (value === undefined || value === '')
    throw new Error(`${variable} is not set: this test needs that server, e.g. from the sandbox`);
  return value;
}
