import { FicusError, reasonOf } from '#core/errors';
import { ficusProgram } from './program.ts';

try {
  await ficusProgram((text) => console.log(text)).parseAsync();
} catch (error) {
  console.error(`ficus: ${reasonOf(error)}`);
  process.exitCode = error instanceof FicusError ? 1 : 70;
}
