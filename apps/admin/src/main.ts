import { runService } from '#observability/service';
import { bootstrap } from './bootstrap.ts';

await runService('admin', bootstrap);
