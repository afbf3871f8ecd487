import { bootstrap } from './bootstrap.ts';

await bootstrap();
