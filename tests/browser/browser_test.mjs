// The web page in a real browser, against a real server: node browser_test.mjs BUILD_DIR [PART OF A NAME]
import './board_cases.mjs';
import './run_cases.mjs';
import './log_cases.mjs';
import './other_cases.mjs';
import './access_cases.mjs';
import './action_cases.mjs';
import './audit_cases.mjs';
import { main } from './harness.mjs';

process.exitCode = await main(process.argv[2], process.argv[3]);
